"""What a Python that ``cordboard run`` starts reads before the script."""
