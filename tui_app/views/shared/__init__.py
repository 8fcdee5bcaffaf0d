"""Parts of pictures that several views draw: samples, descents, the steps of a graph."""
