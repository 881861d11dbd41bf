package io.github.stillgate.audio;

/** The discrete Fourier transform by its definition, in float64. */
final class Dft {
  final double[] real;
  final double[] imaginary;

  Dft(float[] values) {
    int n = values.length;
    real = new double[n / 2 + 1];
    imaginary = new double[n / 2 + 1];
    for (int k = 0; k < real.length; k++) {
      for (int j = 0; j < n; j++) {
        double turn = 2 * Math.PI * ((long) j * k % n) / n;
        real[k] += values[j] * Math.cos(turn);
        imaginary[k] -= values[j] * Math.sin(turn);
      }
    }
  }
}
