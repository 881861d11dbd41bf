package io.github.stillgate.cli.rows;

import io.github.stillgate.audio.WavReader;
import io.github.stillgate.core.weights.FileKind;
import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A file that holds rows, known by its first bytes.
 *
 * @param path of the file
 * @param kind what it is
 */
public record RowFile(Path path, Kind kind) {
  /** What holds rows. */
  public enum Kind {
    /** A numpy array. */
    NUMPY,
    /** Text with commas. */
    CSV,
    /** Sound. */
    WAV,
    /** Named tensors. */
    SAFETENSORS
  }

  /**
   * How a WAV file is cut.
   *
   * @param channel from 0, or {@link WavReader#MIX}
   * @param hop samples from frame to frame; empty if they do not overlap
   */
  public record Cut(int channel, Optional<Integer> hop) {}

  /**
   * Looks at a file.
   *
   * @throws IOException if there is none, or it holds no rows; the message says what it is
   */
  public static RowFile of(Path path) throws IOException {
    byte[] first = RegularFile.first(path, FileKind.LOOKS_AT);
    FileKind kind = FileKind.of(first);
    return new RowFile(
        path,
        switch (kind) {
          case NUMPY -> Kind.NUMPY;
          case SAFETENSORS -> Kind.SAFETENSORS;
          case TEXT -> Kind.CSV;
          case UNKNOWN -> {
            if (new String(first, StandardCharsets.ISO_8859_1).matches("(?s)(RIFF|RF64|RIFX).*")) {
              yield Kind.WAV;
            }
            throw refused(path, kind);
          }
          default -> throw refused(path, kind);
        });
  }

  private static IOException refused(Path path, FileKind kind) {
    return new IOException(
        "%s: %s; rows are read from .npy, .csv, .wav and .safetensors"
            .formatted(path, kind.what()));
  }

  /**
   * Opens its rows.
   *
   * @param name which tensor, if there are several
   * @param width values of a row
   * @param cut what to make of sound
   * @throws IOException if it has rows of another width, is truncated, or cannot be read
   */
  public RowReader open(String name, int width, Cut cut) throws IOException {
    return switch (kind) {
      case NUMPY -> NumpyFile.open(path, width);
      case CSV -> CsvReader.open(path, width);
      case WAV -> WavRows.open(path, width, cut.channel(), cut.hop().orElse(width));
      case SAFETENSORS -> tensor(name, width);
    };
  }

  private RowReader tensor(String name, int width) throws IOException {
    WeightsFile file = WeightsFile.open(path);
    try {
      Tensor tensor = file.tensors().get(name);
      if (tensor == null) {
        if (file.tensors().size() != 1) {
          throw new IOException(
              "%s: has no tensor called \"%s\", as the model's input is; it has %s"
                  .formatted(path, name, file.tensors().keySet()));
        }
        tensor = file.tensors().values().iterator().next();
      }
      return new TableReader(
          "%s, tensor %s".formatted(path, tensor.name()),
          tensor.type(),
          tensor.shape(),
          width,
          tensor::bytes,
          file);
    } catch (Throwable failure) {
      file.close();
      throw failure;
    }
  }
}
