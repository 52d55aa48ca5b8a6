"""Tests of the SIP layer, all without sockets and in virtual time."""
