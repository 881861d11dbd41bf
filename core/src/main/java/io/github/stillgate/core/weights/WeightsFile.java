package io.github.stillgate.core.weights;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A safetensors file, open for reading, with every field of its header validated before any tensor
 * can be reached.
 *
 * <p>Layout: 8 bytes little-endian header length N, N bytes of JSON, then the tensors' bytes. The
 * JSON maps each tensor's name to dtype, shape and {@code data_offsets}; the entry {@code
 * __metadata__} maps strings to strings. Checked: the length against the file, UTF-8, JSON syntax,
 * duplicate names, dtype, shape product (with overflow), offsets in range, no overlap, no hole, and
 * nothing behind the last tensor; and the limits below, so that time and memory go with what a
 * network needs and not with what a file says.
 *
 * <p>Immutable and safe for any number of threads. A {@link Tensor} read after {@link #close}
 * throws {@link IllegalStateException}.
 */
public final class WeightsFile implements AutoCloseable {
  /** The longest header that is read, in bytes. */
  public static final int MAX_HEADER_BYTES = 1 << 24;

  /** The most tensors, and the most strings in {@code __metadata__}, that a file may have. */
  public static final int MAX_TENSORS = 1 << 16;

  /** The most dimensions a tensor may have. */
  public static final int MAX_DIMENSIONS = 64;

  private static final int NAMES_IN_A_MESSAGE = 20;

  private final Path path;
  private final FileBytes bytes;
  private final SafetensorsHeader header;

  private WeightsFile(Path path, FileBytes bytes, SafetensorsHeader header) {
    this.path = path;
    this.bytes = bytes;
    this.header = header;
  }

  /**
   * Opens and validates {@code path}. Tensors are read when they are asked for.
   *
   * @throws WeightsFormatException if the file is of another {@link FileKind}, breaks the format or
   *     is beyond a limit; the message names the culprit, and the cure if the file is of another
   *     kind
   * @throws IOException if the file cannot be read, is a directory, or is a FIFO, a socket or a
   *     device, which are not opened
   */
  public static WeightsFile open(Path path) throws IOException {
    FileBytes bytes = FileBytes.open(path);
    try {
      return new WeightsFile(path, bytes, SafetensorsHeader.parse(path, bytes));
    } catch (Throwable failure) {
      bytes.close();
      throw failure;
    }
  }

  /** The file this was opened from. */
  public Path path() {
    return path;
  }

  /** The file's {@code __metadata__}, empty if it has none. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /** All tensors by name, in the order of their bytes in the file. */
  public Map<String, Tensor> tensors() {
    return Collections.unmodifiableMap(header.tensors());
  }

  /**
   * The tensor called {@code name}.
   *
   * @throws WeightsFormatException if there is none; the message lists what there is
   */
  public Tensor tensor(String name) {
    Tensor tensor = header.tensors().get(name);
    if (tensor == null) {
      throw new WeightsFormatException(
          path, "has no tensor \"%s\"; it has %s".formatted(name, names()));
    }
    return tensor;
  }

  private String names() {
    int more = header.tensors().size() - NAMES_IN_A_MESSAGE;
    return header.tensors().keySet().stream()
        .limit(NAMES_IN_A_MESSAGE)
        .collect(Collectors.joining(", ", "[", more > 0 ? ", and " + more + " more]" : "]"));
  }

  /** Closes the file. Closing twice does nothing. */
  @Override
  public void close() {
    bytes.close();
  }
}
