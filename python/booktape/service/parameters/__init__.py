"""What requests may ask for, parsed once into types that also make the OpenAPI schema and the error messages."""
