package io.github.stillgate.cli.rows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * Rows of numbers with commas between them. Lines that are blank do not count, nor does a first
 * line without a number, which names columns. The file is read twice: the rows are counted first.
 */
final class CsvReader implements RowReader {
  private static final int BUFFER = 1 << 16;
  private static final int LONGEST_LINE = 1 << 26;

  /** What spreadsheets begin UTF-8 with. */
  private static final int[] BYTE_ORDER_MARK = {0xef, 0xbb, 0xbf};

  private final Path path;
  private final int width;
  private final FileChannel file;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
  private final long rows;
  private byte[] line = new byte[1 << 12];
  private int length;
  private long lineNumber;
  private long row = -1;

  private CsvReader(Path path, int width, FileChannel file) throws IOException {
    this.path = path;
    this.width = width;
    this.file = file;
    rewind();
    boolean named = hasNames();
    rewind();
    long counted = 0;
    while (nextLine()) {
      counted++;
    }
    this.rows = named ? counted - 1 : counted;
    rewind();
    if (named) {
      nextLine();
    }
  }

  static RowReader open(Path path, int width) throws IOException {
    FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
    try {
      return new CsvReader(path, width, file);
    } catch (Throwable failure) {
      file.close();
      throw failure;
    }
  }

  private void rewind() throws IOException {
    file.position(0);
    buffer.clear().limit(0);
    lineNumber = 0;
    for (int mark : BYTE_ORDER_MARK) {
      if (read() != mark) {
        file.position(0);
        buffer.limit(0);
        return;
      }
    }
  }

  /** Whether no field of the first line is a number. */
  private boolean hasNames() throws IOException {
    return nextLine()
        && Arrays.stream(new String(line, 0, length, StandardCharsets.UTF_8).split(","))
            .noneMatch(CsvReader::isNumber);
  }

  private static boolean isNumber(String field) {
    try {
      Float.parseFloat(field.strip());
      return true;
    } catch (NumberFormatException e) {
      return field.isBlank();
    }
  }

  /** The next line that is not blank, in {@link #line}; false at the end. */
  private boolean nextLine() throws IOException {
    while (true) {
      length = 0;
      boolean blank = true;
      int last = read();
      if (last < 0) {
        return false;
      }
      lineNumber++;
      for (; last >= 0 && last != '\n'; last = read()) {
        if (length == line.length) {
          if (length >= LONGEST_LINE) {
            throw new IOException(
                "%s: line %d has more than %d bytes".formatted(path, lineNumber, LONGEST_LINE));
          }
          line = Arrays.copyOf(line, 2 * length);
        }
        blank &= last <= ' ';
        line[length++] = (byte) last;
      }
      if (!blank) {
        return true;
      }
    }
  }

  private int read() throws IOException {
    if (!buffer.hasRemaining()) {
      buffer.clear();
      int count = file.read(buffer);
      buffer.flip();
      if (count < 0) {
        return -1;
      }
    }
    return buffer.get() & 0xff;
  }

  @Override
  public long rows() {
    return rows;
  }

  @Override
  public void next(float[] values) throws IOException {
    row++;
    if (!nextLine()) {
      throw new IOException("%s: became shorter while it was read".formatted(path));
    }
    int field = 0;
    int from = 0;
    while (from <= length) {
      int to = from;
      while (to < length && line[to] != ',') {
        to++;
      }
      if (field < width) {
        try {
          values[field] = Decimal.parse(line, from, to);
        } catch (NumberFormatException e) {
          throw new IOException(
              "%s: field %d, \"%s\", is no number; write one, or leave the row out"
                  .formatted(
                      place(),
                      field,
                      new String(line, from, Math.min(to - from, 40), StandardCharsets.UTF_8)
                          .strip()));
        }
      }
      field++;
      from = to + 1;
    }
    if (field != width) {
      throw new IOException(
          "%s has %d values, the model reads %d a step".formatted(place(), field, width));
    }
  }

  @Override
  public String place() {
    return "%s: row %d (line %d)".formatted(path, row, lineNumber);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
