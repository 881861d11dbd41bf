package io.github.stillgate.examples.vad;

import io.github.stillgate.audio.ResampledWav;
import io.github.stillgate.audio.WavReader;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import javax.sound.sampled.AudioFormat;
import javax.sound.sampled.AudioSystem;
import javax.sound.sampled.LineUnavailableException;
import javax.sound.sampled.TargetDataLine;

/** Shows how likely there is speech, chunk after chunk: Silero VAD over a file or the microphone. */
public final class Vad {
  private static final int RATE = 16_000;
  private static final int CHUNK = 512;

  /** Silero reads the last samples of the chunk before, too. */
  private static final int CONTEXT = 64;

  private Vad() {}

  /** Where chunks come from. */
  private interface Source extends AutoCloseable {
    /** Fills {@code chunk} from {@code at} on; returns how many samples came, 0 at the end. */
    int read(float[] chunk, int at) throws IOException;

    @Override
    void close() throws IOException;
  }

  /** Listens: {@code Vad MODEL [FILE.wav]}. */
  public static void main(String[] args) throws Exception {
    Model model = Model.load(Path.of(args[0]));
    try (Source source = args.length > 1 ? file(Path.of(args[1])) : microphone();
        Plan plan = Plan.compile(model);
        Session session = Session.open(plan)) {
      plan.warmUp(Set.of(Plan.Use.STREAM));
      float[] samples = new float[CONTEXT + CHUNK];
      float[] speech = new float[1];
      double second = 0;
      for (int read = source.read(samples, CONTEXT); read > 0; ) {
        Arrays.fill(samples, CONTEXT + read, samples.length, 0);
        session.set("input", samples);
        session.step();
        session.get("output", speech);
        System.out.printf("%8.3f  %.3f  %s%n", second, speech[0], "#".repeat((int) (40 * speech[0])));
        second += (double) CHUNK / RATE;
        System.arraycopy(samples, CHUNK, samples, 0, CONTEXT);
        read = source.read(samples, CONTEXT);
      }
    }
  }

  private static Source file(Path path) throws IOException {
    ResampledWav wav = ResampledWav.open(path, WavReader.MIX, RATE);
    return new Source() {
      @Override
      public int read(float[] chunk, int at) throws IOException {
        return wav.read(chunk, at, CHUNK);
      }

      @Override
      public void close() throws IOException {
        wav.close();
      }
    };
  }

  private static Source microphone() throws LineUnavailableException {
    TargetDataLine line = AudioSystem.getTargetDataLine(new AudioFormat(RATE, 16, 1, true, false));
    line.open();
    line.start();
    ByteBuffer bytes = ByteBuffer.allocate(2 * CHUNK).order(ByteOrder.LITTLE_ENDIAN);
    return new Source() {
      @Override
      public int read(float[] chunk, int at) {
        int samples = line.read(bytes.array(), 0, bytes.capacity()) / 2;
        for (int i = 0; i < samples; i++) {
          chunk[at + i] = bytes.getShort(2 * i) * 0x1p-15f;
        }
        return samples;
      }

      @Override
      public void close() {
        line.close();
      }
    };
  }
}
