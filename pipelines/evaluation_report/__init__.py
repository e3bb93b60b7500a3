"""The report of an evaluation: one HTML file with its tables and plots."""
