"""Vendors of voice."""
