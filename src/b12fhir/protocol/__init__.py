"""Clinical knowledge as data: dated, cited TOML, its typed model, loader and lint."""
