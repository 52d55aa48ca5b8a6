"""A caller made of software: it knows SIP, RTP and what it hears, and follows a script.

``script`` reads what to do, ``phone`` places the call, ``ear`` tells what the far end says,
``mouth`` speaks, ``caller`` follows the script. Used by the demo, evaluations and tests; never
part of a server.
"""
