package io.github.stillgate.core.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.stillgate.contract.FuzzRun;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files appear whole or not at all, and only where a file belongs. */
class NewFileTest {
  @TempDir private Path directory;
  private Path path;

  @BeforeEach
  void nameTheFile() {
    path = directory.resolve("out.safetensors");
  }

  private static void write(Path path, String content) throws IOException {
    NewFile.at(path).write(out -> out.write(content.getBytes()));
  }

  private String[] names() {
    return Stream.of(directory.toFile().list()).sorted().toArray(String[]::new);
  }

  /** Bytes may come in any order; those that nobody wrote are 0. */
  @Test
  void contentMayBeWrittenByPlaces() throws IOException {
    NewFile.at(path)
        .writePlaced(channel -> {
          channel.write(ByteBuffer.wrap(new byte[] {7, 8}), 4);
          channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 0);
        });
    assertThat(Files.readAllBytes(path)).containsExactly(1, 2, 3, 0, 7, 8);
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() ->
            NewFile.at(path)
                .writePlaced(channel -> {
                  channel.write(ByteBuffer.wrap(new byte[9]), 0);
                  throw new IOException("half-way");
                }))
        .withMessageContaining("half-way");
    assertThat(Files.readAllBytes(path)).hasSize(6);
  }

  @Test
  void aNeighbourOfAnyNameIsLeftAlone() throws IOException {
    Path part = Files.writeString(directory.resolve("out.safetensors.part"), "mine");
    write(path, "new");
    assertThat(path).hasContent("new");
    assertThat(part).hasContent("mine");
    assertThat(names()).containsExactly("out.safetensors", "out.safetensors.part");
  }

  @Test
  void aLinkOfANeighboursNameIsNotFollowed() throws IOException {
    Path victim = Files.writeString(directory.resolve("victim"), "precious");
    Path link = Files.createSymbolicLink(directory.resolve("out.safetensors.part"), victim);
    write(path, "new");
    assertThat(victim).hasContent("precious");
    assertThat(link).isSymbolicLink();
    assertThat(path).hasContent("new").isRegularFile();
  }

  @Test
  void aLinkIsFollowedAndItsFileReplaced() throws IOException {
    Path real = Files.createDirectory(directory.resolve("real")).resolve("file");
    Files.writeString(real, "old");
    Files.createSymbolicLink(path, Path.of("real/file"));
    write(path, "new");
    assertThat(path).isSymbolicLink();
    assertThat(real).hasContent("new");
    assertThat(real.getParent().toFile().list()).containsExactly("file");
  }

  @Test
  void theModeOfTheOldFileIsKept() throws IOException {
    assumeThat(path.getFileSystem().supportedFileAttributeViews()).contains("posix");
    Files.writeString(path, "old");
    for (String mode : new String[] {"rw-------", "rw-rw-rw-", "r--r-----", "rwxr-x---"}) {
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
      write(path, "new");
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
          .isEqualTo(mode);
    }
  }

  @Test
  void aNewFileHasTheModeOfAnyNewFile() throws IOException {
    assumeThat(path.getFileSystem().supportedFileAttributeViews()).contains("posix");
    Path ordinary = Files.writeString(directory.resolve("ordinary"), "");
    write(path, "new");
    assertThat(Files.getPosixFilePermissions(path))
        .isEqualTo(Files.getPosixFilePermissions(ordinary));
  }

  /** Root of a file system, no name, a directory, a device, a FIFO, a link to nothing. */
  @Test
  void whatIsNoRegularFileIsRefusedBeforeAnyWork() throws IOException, InterruptedException {
    assertRefused(directory.getRoot(), "is a directory");
    assertRefused(Path.of(""), "is empty");
    assertRefused(directory, "is a directory");
    assertRefused(Path.of("."), "is a directory");
    assertRefused(Files.createSymbolicLink(path, directory.resolve("nothing")), "link to nothing");
    assertRefused(
        Files.writeString(directory.resolve("file"), "kept").resolve("under"), "is no directory");
    Path device = Path.of("/dev/null");
    if (Files.exists(device)) {
      assertRefused(device, "a device");
      assertThat(Files.isRegularFile(device)).isFalse();
    }
    Path fifo = directory.resolve("fifo");
    if (new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor() == 0) {
      assertRefused(fifo, "a FIFO");
      assertThat(Files.isRegularFile(fifo)).isFalse();
    }
    assertThat(directory.resolve("file")).hasContent("kept");
  }

  private void assertRefused(Path target, String reason) {
    String[] before = names();
    assertThatExceptionOfType(IOException.class)
        .as("%s", target)
        .isThrownBy(() -> NewFile.at(target))
        .withMessageContaining(reason);
    assertThatExceptionOfType(IOException.class)
        .as("%s", target)
        .isThrownBy(() -> new WeightsWriter().tensor("a", new float[1], 1).write(target))
        .withMessageContaining(reason);
    assertThat(names()).isEqualTo(before);
  }

  @Test
  void aFailureLeavesTheOldFileAndNothingBeside() throws IOException {
    Files.writeString(path, "old");
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(() ->
            NewFile.at(path)
                .write(out -> {
                  out.write(new byte[1 << 20]);
                  throw new IllegalStateException("stop");
                }));
    assertThat(path).hasContent("old");
    assertThat(names()).containsExactly("out.safetensors");
  }

  /** A target that becomes a directory under way cannot be replaced any more. */
  @Test
  void aTargetThatChangesUnderWayIsAFailureLikeAnyOther() {
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(
            () -> NewFile.at(path).write(out -> Files.createDirectories(path.resolve("inside"))));
    assertThat(path.resolve("inside")).isDirectory();
    assertThat(names()).containsExactly("out.safetensors");
  }

  @Test
  void anInterruptFromBeforeIsKept() throws IOException {
    Thread.currentThread().interrupt();
    try {
      write(path, "new");
      assertThat(Thread.currentThread().isInterrupted()).isTrue();
    } finally {
      Thread.interrupted();
    }
    assertThat(path).hasContent("new");
  }

  /**
   * Two writers and a reader on one path: the reader only ever sees one whole file or the other.
   */
  @Test
  void twoWritersNeverLeaveHalfAFile() throws Exception {
    WeightsWriter[] writers = {
      new WeightsWriter().tensor("a", filled(1000, 1), 1000),
      new WeightsWriter().tensor("b", filled(300_000, 2), 300_000)
    };
    writers[0].write(path);
    FuzzRun run = FuzzRun.begin("two writers to one path", 60);
    AtomicBoolean done = new AtomicBoolean();
    Set<String> seen = ConcurrentHashMap.newKeySet();
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Callable<Void> other =
          () -> {
            while (!done.get()) {
              writers[1].write(path);
            }
            return null;
          };
      Callable<Void> reader =
          () -> {
            while (!done.get()) {
              try (WeightsFile file = WeightsFile.open(path)) {
                Tensor tensor = file.tensors().values().iterator().next();
                float[] values = tensor.toFloats();
                float[] whole = tensor.name().equals("a") ? filled(1000, 1) : filled(300_000, 2);
                seen.add(tensor.name() + Arrays.equals(values, whole));
              }
            }
            return null;
          };
      Future<Void> first = threads.submit(other);
      Future<Void> second = threads.submit(reader);
      try {
        while (run.next()) {
          writers[0].write(path);
        }
      } finally {
        done.set(true);
      }
      first.get();
      second.get();
    }
    assertThat(seen).isSubsetOf("atrue", "btrue");
    assertThat(names()).containsExactly("out.safetensors");
  }

  private static float[] filled(int length, float value) {
    float[] values = new float[length];
    Arrays.fill(values, value);
    return values;
  }
}
