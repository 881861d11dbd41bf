package io.github.stillgate.bench.paper.estimators;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/**
 * MNIST's test part, as the networks read it: {@code x / 128 - 1}.
 *
 * @param pictures N vectors of 784
 * @param classes N
 */
record Digits(float[][] pictures, byte[] classes) {
  private static final int BYTES = 0x08;

  /**
   * Reads the test part's two idx files, as they are or with {@code .gz}.
   *
   * @throws IOException if one is missing or damaged; the message names it
   */
  static Digits test(Path folder) throws IOException {
    ByteBuffer images = idx(folder, "t10k-images-idx3-ubyte", 3);
    ByteBuffer labels = idx(folder, "t10k-labels-idx1-ubyte", 1);
    int count = images.getInt(4);
    if (labels.getInt(4) != count) {
      throw new IOException(
          "%s has %d test pictures and %d labels".formatted(folder, count, labels.getInt(4)));
    }
    float[][] pictures = new float[count][images.getInt(8) * images.getInt(12)];
    images.position(16);
    for (float[] picture : pictures) {
      for (int i = 0; i < picture.length; i++) {
        picture[i] = (images.get() & 0xff) / 128f - 1;
      }
    }
    byte[] classes = new byte[count];
    labels.position(8).get(classes);
    return new Digits(pictures, classes);
  }

  int size() {
    return classes.length;
  }

  /** The whole file; what it states about its size is checked. */
  private static ByteBuffer idx(Path folder, String name, int dimensions) throws IOException {
    Path file = folder.resolve(name);
    byte[] bytes;
    if (Files.exists(file)) {
      bytes = Files.readAllBytes(file);
    } else {
      Path packed = folder.resolve(name + ".gz");
      if (!Files.exists(packed)) {
        throw new IOException(
            "%s is not there (nor %s.gz); --mnist names the folder of MNIST's idx files"
                .formatted(file, name));
      }
      try (InputStream in =
          new GZIPInputStream(new ByteArrayInputStream(Files.readAllBytes(packed)))) {
        bytes = in.readAllBytes();
      }
    }
    ByteBuffer data = ByteBuffer.wrap(bytes);
    int header = 4 + 4 * dimensions;
    if (bytes.length < header || data.getInt(0) != (BYTES << 8 | dimensions)) {
      throw new IOException(
          "%s is no idx file of bytes in %d dimensions".formatted(file, dimensions));
    }
    long size = header;
    long values = 1;
    for (int i = 0; i < dimensions; i++) {
      values *= Integer.toUnsignedLong(data.getInt(4 + 4 * i));
      if (values > bytes.length) {
        break;
      }
    }
    size += values;
    if (size != bytes.length) {
      throw new IOException("%s does not have the size that it states".formatted(file));
    }
    return data;
  }
}
