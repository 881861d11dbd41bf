package io.github.stillgate.core.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.Map;

/**
 * A safetensors file, memory-mapped read-only, with every field of its header validated before any
 * tensor can be reached.
 *
 * <p>Layout: 8 bytes little-endian header length N, N bytes of JSON, then the tensors' bytes. The
 * JSON maps each tensor's name to dtype, shape and {@code data_offsets}; the entry {@code
 * __metadata__} maps strings to strings. Checked: the length against the file, UTF-8, JSON syntax,
 * duplicate names, dtype, shape product (with overflow), offsets in range, no overlap, no hole, and
 * nothing behind the last tensor.
 *
 * <p>Immutable and safe for any number of threads. {@link #close} unmaps; a {@link Tensor} read
 * afterwards throws {@link IllegalStateException}.
 */
public final class WeightsFile implements AutoCloseable {
  private final Path path;
  private final Arena arena;
  private final SafetensorsHeader header;

  private WeightsFile(Path path, Arena arena, SafetensorsHeader header) {
    this.path = path;
    this.arena = arena;
    this.header = header;
  }

  /**
   * Maps and validates {@code path}.
   *
   * @throws WeightsFormatException if the file breaks the format; the message names the culprit
   * @throws IOException if the file cannot be read
   */
  public static WeightsFile open(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      throw new IOException(path + " is a directory, not a weights file");
    }
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      MemorySegment mapped =
          channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena).asReadOnly();
      return new WeightsFile(path, arena, SafetensorsHeader.parse(path, mapped));
    } catch (Throwable failure) {
      arena.close();
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
          path, "has no tensor \"%s\"; it has %s".formatted(name, header.tensors().keySet()));
    }
    return tensor;
  }

  /** Unmaps the file. Closing twice does nothing. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
