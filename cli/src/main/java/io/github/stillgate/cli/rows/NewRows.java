package io.github.stillgate.cli.rows;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.audio.WavEncoding;
import io.github.stillgate.audio.WavFormat;
import io.github.stillgate.audio.WavWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/**
 * A file of outputs to be written, in the format of its name's ending.
 *
 * @param format of the file
 * @param names of the outputs
 * @param widths of their rows
 * @param rows how many each has
 * @param rate frames a second, for WAV
 */
public record NewRows(
    Format format, List<String> names, List<Integer> widths, long rows, OptionalInt rate) {
  /** What can be written. */
  public enum Format {
    /** One float32 array. */
    NPY,
    /** Text; several outputs stand side by side under a line of names. */
    CSV,
    /** float32 samples, the rows one behind the other. */
    WAV,
    /** A float32 tensor for each output. */
    SAFETENSORS;

    /**
     * The format that a name ends with.
     *
     * @throws IllegalArgumentException if it is none of these
     */
    public static Format of(Path path) {
      String name = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
      for (Format format : values()) {
        if (name.endsWith("." + format.name().toLowerCase(Locale.ROOT))) {
          return format;
        }
      }
      throw new IllegalArgumentException(
          "%s: the ending says what to write; end it with .npy, .csv, .wav or .safetensors"
              .formatted(path));
    }

    /** Whether a file of it holds several outputs. */
    public boolean holdsSeveral() {
      return this == CSV || this == SAFETENSORS;
    }
  }

  /**
   * Begins to write.
   *
   * @param file empty
   */
  public RowWriter begin(FileChannel file) throws IOException {
    return switch (format) {
      case NPY -> numbers(file, NumpyFile.header(rows, widths.getFirst()));
      case SAFETENSORS -> numbers(file, header());
      case CSV -> new CsvWriter(Channels.newOutputStream(file), names, widths);
      case WAV -> {
        WavFormat sound = new WavFormat(rate.orElseThrow(), 1, WavEncoding.FLOAT32);
        long samples = Math.multiplyExact(rows, widths.getFirst());
        WavWriter writer = new WavWriter(Channels.newOutputStream(file), sound, samples);
        yield new RowWriter() {
          @Override
          public void add(float[][] outputs) throws IOException {
            writer.write(outputs[0], 0, outputs[0].length);
          }

          @Override
          public void finish() throws IOException {
            writer.finish();
          }
        };
      }
    };
  }

  /** A safetensors file's first bytes: a length and JSON, filled up to 8 bytes. */
  private byte[] header() throws IOException {
    Map<String, Object> tensors = new LinkedHashMap<>();
    long at = 0;
    for (int i = 0; i < names.size(); i++) {
      long end = at + bytes(i);
      tensors.put(
          names.get(i),
          Map.of(
              "dtype", "F32",
              "shape", List.of(rows, widths.get(i)),
              "data_offsets", List.of(at, end)));
      at = end;
    }
    byte[] json = JsonMapper.builder().build().writeValueAsBytes(tensors);
    int padded = Math.ceilDiv(json.length, 8) * 8;
    ByteBuffer header = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(padded).put(json);
    while (header.hasRemaining()) {
      header.put((byte) ' ');
    }
    return header.array();
  }

  private long bytes(int output) {
    return Math.multiplyExact(rows, (long) Float.BYTES * widths.get(output));
  }

  private RowWriter numbers(FileChannel file, byte[] header) throws IOException {
    file.write(ByteBuffer.wrap(header));
    List<Region> regions = new ArrayList<>();
    long at = header.length;
    for (int i = 0; i < names.size(); i++) {
      regions.add(new Region(file, at));
      at += bytes(i);
    }
    Region[] places = regions.toArray(Region[]::new);
    return new RowWriter() {
      @Override
      public void add(float[][] outputs) throws IOException {
        for (int i = 0; i < places.length; i++) {
          places[i].add(outputs[i]);
        }
      }

      @Override
      public void finish() throws IOException {
        for (Region place : places) {
          place.empty();
        }
      }
    };
  }

  /** Where the numbers of one output go. */
  private static final class Region {
    private static final int BUFFER = 1 << 16;

    private final FileChannel file;
    private final ByteBuffer buffer =
        ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
    private long at;

    Region(FileChannel file, long at) {
      this.file = file;
      this.at = at;
    }

    void add(float[] values) throws IOException {
      for (float value : values) {
        if (!buffer.hasRemaining()) {
          empty();
        }
        buffer.putFloat(value);
      }
    }

    void empty() throws IOException {
      buffer.flip();
      while (buffer.hasRemaining()) {
        at += file.write(buffer, at);
      }
      buffer.clear();
    }
  }

  /** Numbers that read back as the same float32. */
  private static final class CsvWriter implements RowWriter {
    private static final int FULL = 1 << 16;

    private final OutputStream out;
    private final StringBuilder text = new StringBuilder(2 * FULL);
    private byte[] bytes = new byte[2 * FULL];

    CsvWriter(OutputStream out, List<String> names, List<Integer> widths) throws IOException {
      this.out = out;
      if (names.size() > 1) {
        List<String> columns = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
          String name = names.get(i).replaceAll("[,\"\\p{Cntrl}]", "_");
          for (int j = 0; j < widths.get(i); j++) {
            columns.add("%s[%d]".formatted(name, j));
          }
        }
        out.write((String.join(",", columns) + "\n").getBytes(StandardCharsets.UTF_8));
      }
    }

    @Override
    public void add(float[][] outputs) throws IOException {
      for (float[] output : outputs) {
        for (float value : output) {
          text.append(value).append(',');
        }
      }
      text.setCharAt(text.length() - 1, '\n');
      if (text.length() >= FULL) {
        finish();
      }
    }

    @Override
    public void finish() throws IOException {
      int length = text.length();
      if (bytes.length < length) {
        bytes = new byte[2 * length];
      }
      for (int i = 0; i < length; i++) {
        bytes[i] = (byte) text.charAt(i);
      }
      out.write(bytes, 0, length);
      text.setLength(0);
    }
  }
}
