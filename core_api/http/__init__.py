"""What every HTTP request and answer shares."""
