"""The service under load: many clients, what they see, and what it takes."""
