"""Words every room shares: codes, quantities, dates, truth, evidence. Standard library only."""
