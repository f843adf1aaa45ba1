"""What all routes share: fields, reading, writing, problems, the runtime behind a request."""
