"""What tests share: their surroundings, the guard of patients' identity, the real server."""
