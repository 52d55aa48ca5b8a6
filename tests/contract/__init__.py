"""The official clients of several years against one server, and the protocol against its schema."""
