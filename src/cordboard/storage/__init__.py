"""What is kept: tables, transactions, secrets, recordings."""
