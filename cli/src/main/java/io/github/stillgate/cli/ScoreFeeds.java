package io.github.stillgate.cli;

import io.github.stillgate.cli.rows.RowReader;
import io.github.stillgate.core.session.InputRefusedException;
import io.github.stillgate.core.session.Session;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/** What a network is given, step by step: rows of files, and what stays the same. */
final class ScoreFeeds implements AutoCloseable {
  private final String[] names;
  private final @Nullable RowReader[] readers;
  private final float[][] values;
  private final long steps;

  /**
   * Inputs by their names.
   *
   * @param readers of those that change; none for those that stay
   * @param values what stays, or room for a row
   * @throws IOException if the files have other numbers of rows, or none
   */
  ScoreFeeds(String[] names, @Nullable RowReader[] readers, float[][] values) throws IOException {
    this.names = names;
    this.readers = readers;
    this.values = values;
    int first = -1;
    long rows = 0;
    for (int i = 0; i < readers.length; i++) {
      RowReader reader = readers[i];
      if (reader == null) {
        continue;
      }
      if (reader.rows() == 0) {
        throw new IOException("input %s has no rows".formatted(names[i]));
      }
      if (first >= 0 && reader.rows() != rows) {
        throw new IOException(
            "input %s has %d rows and %s has %d; each step needs one of both"
                .formatted(names[first], rows, names[i], reader.rows()));
      }
      first = i;
      rows = reader.rows();
    }
    this.steps = rows;
  }

  /** How many there are. */
  long steps() {
    return steps;
  }

  /**
   * Reads the rows of the next step.
   *
   * @throws UncheckedIOException if a row cannot be read. It is unchecked since rows are read while
   *     OUT is written, and {@link io.github.stillgate.core.weights.NewFile} puts the name of OUT
   *     before what is an {@link IOException}
   */
  void read() {
    for (int i = 0; i < readers.length; i++) {
      RowReader reader = readers[i];
      if (reader != null) {
        try {
          reader.next(values[i]);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  /** Gives them to a stream. */
  void set(Session session) {
    for (int i = 0; i < names.length; i++) {
      try {
        session.set(names[i], values[i]);
      } catch (InputRefusedException e) {
        RowReader reader = readers[i];
        throw new IllegalArgumentException(
            "%s: value %d of input %s is %s; %s"
                .formatted(
                    reader == null ? "--set" : reader.place(),
                    e.index(),
                    names[i],
                    e.value(),
                    Float.isFinite(e.value())
                        ? "--input-bound B takes such magnitudes, or scale the input"
                        : "replace what is missing before"),
            e);
      }
    }
  }

  @Override
  public void close() throws IOException {
    for (RowReader reader : readers) {
      if (reader != null) {
        reader.close();
      }
    }
  }
}
