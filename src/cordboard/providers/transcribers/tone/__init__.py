"""A transcriber of the tone code: hears exactly what a tone voice said."""
