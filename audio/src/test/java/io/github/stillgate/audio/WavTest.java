package io.github.stillgate.audio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.sound.sampled.AudioFormat;
import javax.sound.sampled.AudioInputStream;
import javax.sound.sampled.AudioSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WavTest {
  @TempDir Path folder;

  private static byte[] written(WavFormat format, float... samples) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    WavWriter writer = new WavWriter(bytes, format, samples.length / format.channels());
    int half = samples.length / 2;
    writer.write(samples, 0, half);
    writer.write(samples, half, samples.length - half);
    writer.finish();
    return bytes.toByteArray();
  }

  private Path file(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("sound.wav"), bytes);
  }

  private float[] read(byte[] bytes, int channel) throws IOException {
    try (WavReader reader = WavReader.open(file(bytes), channel)) {
      float[] samples = new float[(int) reader.frames() + 5];
      int first = reader.read(samples, 0, 3);
      int read = first + reader.read(samples, first, samples.length - first);
      assertThat((long) read).isEqualTo(reader.frames());
      return Arrays.copyOf(samples, read);
    }
  }

  /** A file of 16 bits, byte for byte. */
  private static ByteBuffer plain(int tag, int channels, int bits, int... data) {
    ByteBuffer bytes = ByteBuffer.allocate(44 + data.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(36 + data.length);
    bytes.put("WAVEfmt ".getBytes(StandardCharsets.US_ASCII)).putInt(16);
    bytes.putShort((short) tag).putShort((short) channels).putInt(16_000);
    bytes.putInt(16_000 * channels * bits / 8).putShort((short) (channels * bits / 8));
    bytes.putShort((short) bits);
    bytes.put("data".getBytes(StandardCharsets.US_ASCII)).putInt(data.length);
    for (int b : data) {
      bytes.put((byte) b);
    }
    return bytes;
  }

  @Test
  void bytesAreThoseOfTheFormat() throws IOException {
    byte[] expected = plain(1, 1, 16, 0, 0x40, 0, 0xc0, 0xff, 0x7f, 0, 0x80).array();
    assertThat(written(new WavFormat(16_000, 1, WavEncoding.PCM16), 0.5f, -0.5f, 1, -1))
        .isEqualTo(expected);
    assertThat(read(expected, 0)).containsExactly(0.5f, -0.5f, 32767 / 32768f, -1);
    assertThat(read(plain(1, 1, 24, 0, 0, 0x40, 0xff, 0xff, 0xff, 0, 0, 0x80).array(), 0))
        .containsExactly(0.5f, -0x1p-23f, -1);
    assertThat(read(plain(1, 1, 32, 0, 0, 0, 0x40, 0, 0, 0, 0x80).array(), 0))
        .containsExactly(0.5f, -1);
    assertThat(read(plain(3, 1, 32, 0, 0, 0x80, 0x3e).array(), 0)).containsExactly(0.25f);
  }

  @ParameterizedTest
  @EnumSource(WavEncoding.class)
  void samplesComeBackToTheirRounding(WavEncoding encoding) throws IOException {
    // More than a buffer holds, of an odd number of bytes where samples have three.
    float[] samples = RealFftTest.noise(3 * 23_001, 1);
    for (int i = 0; i < samples.length; i++) {
      samples[i] *= 0.99f;
    }
    byte[] bytes = written(new WavFormat(44_100, 3, encoding), samples);
    assertThat(bytes.length % 2).isZero();
    double error =
        switch (encoding) {
          case PCM16 -> 0x1p-16;
          case PCM24 -> 0x1p-24;
          case PCM32 -> 0x1p-24;
          case FLOAT32 -> 0;
        };
    for (int channel = 0; channel < 3; channel++) {
      float[] read = read(bytes, channel);
      assertThat(read).hasSize(23_001);
      for (int i = 0; i < read.length; i++) {
        assertThat(Math.abs((double) read[i] - samples[3 * i + channel]))
            .isLessThanOrEqualTo(error);
      }
    }
    float[] mix = read(bytes, WavReader.MIX);
    for (int i = 0; i < mix.length; i++) {
      float mean = (samples[3 * i] + samples[3 * i + 1] + samples[3 * i + 2]) / 3;
      assertThat(mix[i]).isCloseTo(mean, within((float) error + 1e-7f));
    }
  }

  /** Another reader of the format. */
  @ParameterizedTest
  @EnumSource(WavEncoding.class)
  void theJdkReadsWhatIsWritten(WavEncoding encoding) throws Exception {
    byte[] bytes = written(new WavFormat(8000, 2, encoding), 0.5f, -0.25f, 0.125f, 0);
    try (AudioInputStream in = AudioSystem.getAudioInputStream(new ByteArrayInputStream(bytes))) {
      AudioFormat format = in.getFormat();
      assertThat(format.getSampleRate()).isEqualTo(8000);
      assertThat(format.getChannels()).isEqualTo(2);
      assertThat(format.getSampleSizeInBits()).isEqualTo(8 * encoding.bytes());
      assertThat(format.getEncoding())
          .isEqualTo(
              encoding == WavEncoding.FLOAT32
                  ? AudioFormat.Encoding.PCM_FLOAT
                  : AudioFormat.Encoding.PCM_SIGNED);
      assertThat(in.getFrameLength()).isEqualTo(2);
      assertThat(in.readAllBytes())
          .isEqualTo(Arrays.copyOfRange(bytes, bytes.length - 4 * encoding.bytes(), bytes.length));
    }
  }

  /** WAVE_FORMAT_EXTENSIBLE says the coding in a longer chunk; chunks nobody knows stand before. */
  @Test
  void extensibleFilesAndUnknownChunksAreRead() throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(100).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(0);
    bytes.put("WAVELIST".getBytes(StandardCharsets.US_ASCII)).putInt(3).putInt(0);
    bytes.put("fmt ".getBytes(StandardCharsets.US_ASCII)).putInt(40);
    bytes.putShort((short) 0xfffe).putShort((short) 1).putInt(8000).putInt(16_000);
    bytes.putShort((short) 2).putShort((short) 16).putShort((short) 22).putShort((short) 16);
    bytes.putInt(4).putShort((short) 1).put(new byte[14]);
    bytes.put("data".getBytes(StandardCharsets.US_ASCII)).putInt(-1);
    bytes.putShort((short) 16384).putShort((short) -16384).put((byte) 1);
    // A length nobody knew, and half a frame at the end.
    assertThat(read(Arrays.copyOf(bytes.array(), bytes.position()), 0))
        .containsExactly(0.5f, -0.5f);
  }

  @Test
  void brokenFilesAreRefusedByName() throws IOException {
    byte[] good = plain(1, 1, 16, 1, 2, 3, 4).array();
    for (int length = 0; length < good.length; length++) {
      Path file = file(Arrays.copyOf(good, length));
      assertThatThrownBy(() -> WavReader.open(file, 0))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith(file.toString());
    }
    assertThatThrownBy(() -> WavReader.open(file(Arrays.copyOf(good, 47)), 0))
        .hasMessageContaining("4 bytes of samples are announced, 3 are there");
    assertThatThrownBy(() -> read(plain(1, 1, 8, 1, 2).array(), 0))
        .hasMessageContaining("integers of 8 bits")
        .hasMessageContaining("pcm_s16le");
    assertThatThrownBy(() -> read(plain(3, 1, 64, 1, 2, 3, 4, 5, 6, 7, 8).array(), 0))
        .hasMessageContaining("floats of 64 bits");
    assertThatThrownBy(() -> read(plain(7, 1, 8, 1, 2).array(), 0))
        .hasMessageContaining("format 7");
    assertThatThrownBy(() -> read(plain(1, 2, 16, 1, 2, 3, 4, 5, 6).array(), 0))
        .hasMessageContaining("6 bytes of samples are no whole number of frames of 4");
    assertThatThrownBy(() -> read(plain(1, 0, 16, 1, 2).array(), 0))
        .hasMessageContaining("0 channels");
    assertThatThrownBy(() -> read(good, 1)).hasMessageContaining("no channel 1; it has 1");
    assertThatThrownBy(() -> read(plain(1, 1, 16, 1, 2).putShort(32, (short) 4).array(), 0))
        .hasMessageContaining("a frame has 4 bytes");
    assertThatThrownBy(
            () -> read("OggS and more than enough".getBytes(StandardCharsets.US_ASCII), 0))
        .hasMessageContaining("is no WAV file");
  }

  @Test
  void loudSamplesAreClippedAndCountedAndOthersRefused() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    WavWriter writer = new WavWriter(bytes, new WavFormat(8000, 1, WavEncoding.PCM16), 4);
    writer.write(new float[] {1.5f, -2, 1}, 0, 3);
    assertThat(writer.clipped()).isEqualTo(2);
    assertThatThrownBy(() -> writer.write(new float[] {Float.NaN}, 0, 1))
        .hasMessage("sample 3 is NaN");
    assertThatThrownBy(writer::finish).hasMessage("4 samples were announced, 3 were written");
    assertThatThrownBy(() -> writer.write(new float[2], 0, 2)).hasMessageContaining("these are 5");
    writer.write(new float[1], 0, 1);
    writer.finish();
    assertThat(read(bytes.toByteArray(), 0)).containsExactly(32767 / 32768f, -1, 32767 / 32768f, 0);
    assertThatThrownBy(
            () -> new WavWriter(bytes, new WavFormat(8000, 1, WavEncoding.PCM16), 1L << 31))
        .hasMessageContaining("do not fit a WAV file");
  }

  @Test
  void aFileAtAnotherRateIsResampledWhole() throws IOException {
    float[] samples = RealFftTest.noise(30_001, 5);
    Path path = file(written(new WavFormat(8000, 1, WavEncoding.FLOAT32), samples));
    Resampler resampler = new Resampler(8000, 16_000);
    float[] expected = new float[60_200];
    int made = resampler.next(samples, 0, samples.length, expected, 0);
    made += resampler.finish(expected, made);
    try (ResampledWav wav = ResampledWav.open(path, 0, 16_000)) {
      assertThat(wav.samples()).isEqualTo(60_002).isEqualTo(made);
      assertThat(wav.format().rate()).isEqualTo(8000);
      float[] read = new float[made];
      int at = 0;
      for (int more = 1; more > 0; at += more) {
        more = wav.read(read, at, Math.min(512, read.length - at));
      }
      assertThat(read).isEqualTo(Arrays.copyOf(expected, made));
      assertThat(wav.read(new float[1], 0, 1)).isZero();
    }
  }
}
