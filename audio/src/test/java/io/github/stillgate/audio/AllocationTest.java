package io.github.stillgate.audio;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is called for each frame allocates nothing. */
@Tag("allocation")
class AllocationTest {
  private static final int FRAMES = 2000;

  @TempDir Path folder;

  @Test
  void aFrameAllocatesNothing() throws Exception {
    Path path = folder.resolve("sound.wav");
    float[] samples = RealFftTest.noise(4 * 160 * FRAMES, 1);
    try (OutputStream out = Files.newOutputStream(path)) {
      WavWriter writer =
          new WavWriter(out, new WavFormat(48_000, 1, WavEncoding.PCM16), samples.length);
      writer.write(samples, 0, samples.length);
      writer.finish();
    }
    float[] window = Window.SQRT_HANN.of(400);
    Stft stft = new Stft(window, 160);
    InverseStft inverse = new InverseStft(window, window, 160);
    LogMel mel = new LogMel(16_000, 400, 40, 0, 8000, MelScale.HTK, false, 1e-10f);
    WavWriter writer =
        new WavWriter(
            OutputStream.nullOutputStream(),
            new WavFormat(16_000, 1, WavEncoding.PCM24),
            160L * FRAMES);
    float[] hop = new float[160];
    float[] real = new float[stft.bins()];
    float[] imaginary = new float[stft.bins()];
    float[] bands = new float[40];
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (ResampledWav wav = ResampledWav.open(path, WavReader.MIX, 16_000)) {
      long least = Long.MAX_VALUE;
      for (int round = 0; round < 10; round++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int frame = 0; frame < FRAMES / 10; frame++) {
          wav.read(hop, 0, 160);
          stft.next(hop, 0, real, imaginary);
          mel.of(real, imaginary, bands);
          inverse.next(real, imaginary, hop, 0);
          writer.write(hop, 0, 160);
        }
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      assertThat(least).isZero();
    }
  }
}
