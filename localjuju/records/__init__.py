"""What a model consists of, one noun a module: dataclasses of JSON values, without input or output."""
