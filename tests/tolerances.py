"""Defines the relative errors within which floats count as equal, and says why.

Bits are compared only between runs of the same shapes on the same machine. MKL and oneDNN choose
other kernels, which add in another order, for another processor, for another number of threads, and
for a batch of another size.
"""

#: A few operations in float64, which has 16 digits.
FLOAT64 = 1e-12

#: A few operations in float32, which has 7 digits; also what was read as float32.
FLOAT32 = 1e-6

#: Sums over many samples or weights in float32, whose roundings add up.
SUMMED = 1e-5

#: Some steps of training in float32: each goes on from the roundings of the one before.
TRAINED = 1e-4
