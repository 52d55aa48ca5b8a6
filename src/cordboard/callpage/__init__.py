"""The call page: one HTML file that shows a call whole and needs nothing else."""
