"""Vendors on loopback: each speaks the vendor's documented format and is tried with its own SDK."""
