"""The commands of `cordboard`; one module per subject."""
