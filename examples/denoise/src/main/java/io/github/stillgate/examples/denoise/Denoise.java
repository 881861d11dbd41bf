package io.github.stillgate.examples.denoise;

import io.github.stillgate.audio.InverseStft;
import io.github.stillgate.audio.ResampledWav;
import io.github.stillgate.audio.Stft;
import io.github.stillgate.audio.WavEncoding;
import io.github.stillgate.audio.WavFormat;
import io.github.stillgate.audio.WavReader;
import io.github.stillgate.audio.WavWriter;
import io.github.stillgate.audio.Window;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;

/** Takes noise out of a recording with a network that works on spectra: DTLN's first, or GTCRN. */
public final class Denoise {
  private static final int RATE = 16_000;

  private Denoise() {}

  /** Cleans: {@code Denoise MODEL IN.wav OUT.wav}. */
  public static void main(String[] args) throws Exception {
    Model model = Model.load(Path.of(args[0]));
    try (Plan plan = Plan.compile(model);
        Session session = Session.open(plan);
        ResampledWav in = ResampledWav.open(Path.of(args[1]), WavReader.MIX, RATE);
        OutputStream out = new BufferedOutputStream(Files.newOutputStream(Path.of(args[2])))) {
      plan.warmUp(Set.of(Plan.Use.STREAM));
      run(SpectralNetwork.of(session), in, out);
    }
  }

  private static void run(SpectralNetwork network, ResampledWav in, OutputStream out)
      throws IOException {
    float[] window = network.window();
    int hop = network.hop();
    Stft stft = new Stft(window, hop);
    InverseStft inverse = new InverseStft(window, window, hop);
    WavWriter writer =
        new WavWriter(out, new WavFormat(RATE, 1, WavEncoding.PCM16), in.samples());
    float[] samples = new float[hop];
    float[] real = new float[stft.bins()];
    float[] imaginary = new float[stft.bins()];
    // What comes out first lies before the beginning, and comes in again behind the end.
    long late = inverse.delay();
    long left = in.samples();
    long nanos = 0;
    int frames = 0;
    while (left > 0) {
      Arrays.fill(samples, in.read(samples, 0, hop), hop, 0);
      long before = System.nanoTime();
      stft.next(samples, 0, real, imaginary);
      network.step(real, imaginary);
      inverse.next(real, imaginary, samples, 0);
      nanos += System.nanoTime() - before;
      frames++;
      int skipped = (int) Math.min(late, hop);
      int kept = (int) Math.min(left, hop - skipped);
      writer.write(samples, skipped, kept);
      late -= skipped;
      left -= kept;
    }
    writer.finish();
    System.out.printf(
        "%d frames of %.0f ms, %.1f us each%n", frames, 1e3 * hop / RATE, nanos / 1e3 / frames);
  }

  /** A network between the two transforms. */
  interface SpectralNetwork {
    /** The window before and after. */
    float[] window();

    /** Samples from frame to frame. */
    int hop();

    /** Cleans one spectrum in place. */
    void step(float[] real, float[] imaginary);

    /** The network that reads what these inputs say. */
    static SpectralNetwork of(Session session) {
      int width = session.plan().model().inputs();
      return switch (width) {
        case 257 -> new Dtln(session);
        case 514 -> new Gtcrn(session);
        default ->
            throw new IllegalArgumentException(
                "the network reads %d values a step; DTLN's first reads 257 magnitudes, GTCRN 257 complex numbers"
                    .formatted(width));
      };
    }
  }

  /** DTLN's first network: magnitudes go in, a mask comes out (github.com/breizhn/DTLN). */
  private static final class Dtln implements SpectralNetwork {
    private final Session session;
    private final float[] magnitudes = new float[257];
    private final float[] mask = new float[257];

    Dtln(Session session) {
      this.session = session;
    }

    @Override
    public float[] window() {
      return Window.RECTANGULAR.of(512);
    }

    @Override
    public int hop() {
      return 128;
    }

    @Override
    public void step(float[] real, float[] imaginary) {
      for (int k = 0; k < magnitudes.length; k++) {
        magnitudes[k] = (float) Math.hypot(real[k], imaginary[k]);
      }
      session.step(magnitudes, mask);
      for (int k = 0; k < mask.length; k++) {
        real[k] *= mask[k];
        imaginary[k] *= mask[k];
      }
    }
  }

  /**
   * GTCRN: complex numbers go in and come out, a pair for each of 257 bins
   * (github.com/Xiaobin-Rong/gtcrn).
   */
  private static final class Gtcrn implements SpectralNetwork {
    private final Session session;
    private final float[] spectrum = new float[514];

    Gtcrn(Session session) {
      this.session = session;
    }

    @Override
    public float[] window() {
      return Window.SQRT_HANN.of(512);
    }

    @Override
    public int hop() {
      return 256;
    }

    @Override
    public void step(float[] real, float[] imaginary) {
      for (int k = 0; k < 257; k++) {
        spectrum[2 * k] = real[k];
        spectrum[2 * k + 1] = imaginary[k];
      }
      session.step(spectrum, spectrum);
      for (int k = 0; k < 257; k++) {
        real[k] = spectrum[2 * k];
        imaginary[k] = spectrum[2 * k + 1];
      }
    }
  }
}
