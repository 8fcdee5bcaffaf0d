"""What views draw with: text, braille dots and tables. Knows no terminal."""
