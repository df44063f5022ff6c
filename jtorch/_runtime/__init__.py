"""Settings, questions about types, generators and streams: public names that are no operators."""
