"""The tenants of an installation, and what each may use."""
