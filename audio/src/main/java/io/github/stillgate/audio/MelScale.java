package io.github.stillgate.audio;

/** How frequencies are spread over mel. */
public enum MelScale {
  /** {@code 2595 log10(1 + f / 700)}: HTK, torchaudio unless told otherwise. */
  HTK {
    @Override
    public double mel(double hertz) {
      return 2595 * Math.log10(1 + hertz / 700);
    }

    @Override
    public double hertz(double mel) {
      return 700 * (Math.pow(10, mel / 2595) - 1);
    }
  },
  /** {@code 3 f / 200} below 1000 Hz, {@code 15 + 27 log(f / 1000) / log(6.4)} above: librosa. */
  SLANEY {
    @Override
    public double mel(double hertz) {
      return hertz < 1000 ? 3 * hertz / 200 : 15 + 27 * Math.log(hertz / 1000) / Math.log(6.4);
    }

    @Override
    public double hertz(double mel) {
      return mel < 15 ? 200 * mel / 3 : 1000 * Math.exp(Math.log(6.4) * (mel - 15) / 27);
    }
  };

  /** Mel of a frequency in Hz. */
  public abstract double mel(double hertz);

  /** The frequency in Hz that has so many mel. */
  public abstract double hertz(double mel);
}
