"""What those who run the product ask of it: metrics."""
