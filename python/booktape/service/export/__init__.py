"""A whole tape as a file: everything in a zip, or its records alone."""
