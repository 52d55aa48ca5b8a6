"""Where documents for answers are looked up."""
