"""One file a step, never edited once it was released. There is no way back but a backup."""
