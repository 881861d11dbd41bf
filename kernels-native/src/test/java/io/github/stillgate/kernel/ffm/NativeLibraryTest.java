package io.github.stillgate.kernel.ffm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.stillgate.core.kernel.Availability;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryTest {
  private static final Function<String, @Nullable InputStream> JAR =
      NativeLibrary.class::getResourceAsStream;

  @TempDir private Path folder;

  private static Availability load(
      String named,
      String cap,
      Path directory,
      Platform platform,
      Function<String, @Nullable InputStream> resources) {
    return NativeLibrary.load(
            new NativeLibrary.Settings(named, cap, directory.toString(), platform, resources))
        .availability();
  }

  private Availability packaged(Path directory, Function<String, @Nullable InputStream> resources) {
    return load("", "", directory, Platform.current(), resources);
  }

  private static Availability.Unusable refused(Availability availability) {
    assertThat(availability).isInstanceOf(Availability.Unusable.class);
    return (Availability.Unusable) availability;
  }

  /** A refusal of a named library names it, and says nothing of directories it never uses. */
  private Availability.Unusable named(String path) {
    Availability.Unusable refusal =
        refused(load(path, "", folder.resolve("nowhere"), Platform.current(), JAR));
    assertThat(refusal.reason()).startsWith("-Dstillgate.native.library=" + path);
    assertThat(refusal.toString()).doesNotContain("tmpdir", "temporary");
    assertThat(refusal.cure()).contains("libstillgate").contains("in the jar");
    return refusal;
  }

  private static Function<String, @Nullable InputStream> only(String entry, byte[] content) {
    return name -> name.equals(entry) ? new ByteArrayInputStream(content) : null;
  }

  private static byte[] builtLibrary() throws IOException {
    try (InputStream built = JAR.apply(Platform.current().entry())) {
      assumeTrue(built != null, "the build had no compiler");
      return built.readAllBytes();
    }
  }

  private static boolean hasPosixPermissions(Path path) {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix");
  }

  @Test
  void aForeignLibraryIsRefusedByWhatItLacks() {
    assertThat(named(BuiltLibrary.foreign()).reason())
        .contains("is not a C library of Stillgate")
        .contains("lacks stillgate_abi_version, sg_choose_tier, sg_float_environment and")
        .contains("more of " + Export.values().length);
  }

  @Test
  void aLibraryOfAnotherAbiVersionIsRefusedByBothVersions() throws IOException {
    assertThat(named(BuiltLibrary.path("next_version")).reason())
        .endsWith(
            "has ABI version %d, and this backend needs %d"
                .formatted(NativeLibrary.ABI_VERSION + 1, NativeLibrary.ABI_VERSION));
  }

  @Test
  void aLibraryThatLacksAKernelIsRefusedBeforeItsFirstStep() throws IOException {
    assertThat(named(BuiltLibrary.path("lacks_softmax")).reason()).endsWith(" lacks sg_softmax");
  }

  @Test
  void aNamedFileThatIsNoLibraryIsRefusedInTheWordsOfTheSystem() throws IOException {
    Path text = Files.writeString(folder.resolve("text.so"), "no library ".repeat(100));
    assertThat(named(text.toString()).reason()).contains(" does not load: ").hasSizeGreaterThan(60);
    assertThat(named(folder.resolve("none.so").toString()).reason()).contains("no such file");
    assertThat(named(folder.toString()).reason()).contains("is a directory");
  }

  @Test
  void aJarForOtherPlatformsSaysWhichOnes() {
    Platform here = new Platform("freebsd", "riscv64");
    Function<String, @Nullable InputStream> two =
        name ->
            Set.of("lib/linux-x86_64/libstillgate.so", "lib/macos-aarch64/libstillgate.dylib")
                    .contains(name)
                ? InputStream.nullInputStream()
                : null;
    Availability.Unusable refusal = refused(load("", "", folder, here, two));
    assertThat(refusal.reason())
        .isEqualTo(
            "no library for freebsd-riscv64 in this jar (it has linux-x86_64, macos-aarch64)");
    assertThat(refusal.toString()).doesNotContain("tmpdir", "temporary");
    assertThat(refused(load("", "", folder, here, name -> null)).reason())
        .isEqualTo("this jar has no C library");
  }

  @Test
  void aPackagedLibraryForAnotherProcessorIsRefusedInTheWordsOfTheSystem() throws IOException {
    assumeTrue(Platform.current().system().equals("linux"), "reads an ELF header");
    byte[] foreign = builtLibrary();
    foreign[18] = 2; // e_machine: SPARC
    Availability.Unusable refusal =
        refused(packaged(folder, only(Platform.current().entry(), foreign)));
    assertThat(refusal.reason())
        .startsWith("the C library in this jar does not load: ")
        .hasSizeGreaterThan(60)
        .doesNotContain(folder.toString());
    assertThat(refusal.toString()).doesNotContain("tmpdir", "temporary");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aDirectoryThatIsMissingOrReadOnlyOrAFileIsToldApart() throws IOException {
    Function<String, @Nullable InputStream> any =
        only(Platform.current().entry(), new byte[] {1, 2, 3});
    Path missing = folder.resolve("missing");
    Availability.Unusable refusal = refused(packaged(missing, any));
    assertThat(refusal.reason())
        .isEqualTo("the temporary directory %s does not exist".formatted(missing));
    assertThat(refusal.cure()).contains("-Dstillgate.native.tmpdir=");

    Path file = Files.createFile(folder.resolve("file"));
    assertThat(refused(packaged(file, any)).reason())
        .isEqualTo("the temporary directory %s is a file".formatted(file));

    Path unwritable = Path.of("/proc");
    assumeTrue(Files.isDirectory(unwritable), "needs a directory that takes no files");
    refusal = refused(packaged(unwritable, any));
    assertThat(refusal.reason())
        .startsWith("the C library cannot be written to the temporary directory /proc: ")
        .doesNotContain("stillgate-");
    assertThat(refusal.cure()).contains("-Dstillgate.native.tmpdir=");
  }

  @Test
  void aDirectoryMountedNoexecIsNamed() throws IOException {
    Path shared = Path.of("/dev/shm");
    assumeTrue(
        Files.isWritable(shared) && Mounts.forbidExecution(shared), "needs a noexec /dev/shm");
    byte[] library = builtLibrary();
    Path directory = Files.createTempDirectory(shared, "stillgate-test-");
    try {
      Availability.Unusable refusal =
          refused(packaged(directory, only(Platform.current().entry(), library)));
      assertThat(refusal.reason())
          .startsWith("the temporary directory %s is mounted noexec: ".formatted(directory));
      assertThat(refusal.cure()).contains("-Dstillgate.native.tmpdir=");
      assertThat(directory).isEmptyDirectory();
    } finally {
      Files.delete(directory);
    }
  }

  @Test
  void theTableOfMountsIsReadByItsLongestAndLastPoint() {
    List<String> table =
        List.of(
            "overlay / overlay rw,relatime 0 0",
            "tmpfs /tmp tmpfs rw,noexec 0 0",
            "tmpfs /tmp/with\\040space tmpfs rw,exec 0 0",
            "none /twice tmpfs rw,noexec 0 0",
            "none /twice tmpfs rw 0 0");
    assertThat(Mounts.forbidExecution(Path.of("/var/tmp"), table)).isFalse();
    assertThat(Mounts.forbidExecution(Path.of("/tmp/a"), table)).isTrue();
    assertThat(Mounts.forbidExecution(Path.of("/tmpfiles"), table)).isFalse();
    assertThat(Mounts.forbidExecution(Path.of("/tmp/with space/a"), table)).isFalse();
    assertThat(Mounts.forbidExecution(Path.of("/twice"), table)).isFalse();
  }

  @Test
  void theCopyIsItsOwnersAloneAndLeavesNothingBehind() throws IOException {
    assumeTrue(hasPosixPermissions(folder), "needs POSIX permissions");
    byte[] library = builtLibrary();
    Availability usable =
        packaged(
            folder,
            name ->
                new FilterInputStream(new ByteArrayInputStream(library)) {
                  @Override
                  public int read(byte[] to, int offset, int length) throws IOException {
                    // While the copy is written.
                    try (Stream<Path> files = Files.list(folder)) {
                      assertThat(files)
                          .singleElement()
                          .satisfies(file ->
                              assertThat(Files.getPosixFilePermissions(file))
                                  .containsExactlyInAnyOrder(
                                      PosixFilePermission.OWNER_READ,
                                      PosixFilePermission.OWNER_WRITE));
                    }
                    return super.read(to, offset, length);
                  }
                });
    assertThat(usable.isUsable()).as(usable.toString()).isTrue();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void anUnknownTierIsRefused() throws IOException {
    byte[] library = builtLibrary();
    // Windows keeps the file of an open library, which the folder of a test must not hold.
    Path directory = Path.of(System.getProperty("java.io.tmpdir"));
    Function<String, @Nullable InputStream> jar = only(Platform.current().entry(), library);
    Availability.Unusable refusal = refused(load("", "mmx", directory, Platform.current(), jar));
    assertThat(refusal.reason()).contains("-Dstillgate.native.tier=mmx");
  }

  @Test
  void platformsHaveTheNamesOfTheBuild() {
    assertThat(Platform.of("Linux", "amd64").entry()).isEqualTo("lib/linux-x86_64/libstillgate.so");
    assertThat(Platform.of("Mac OS X", "aarch64").entry())
        .isEqualTo("lib/macos-aarch64/libstillgate.dylib");
    assertThat(Platform.of("Windows Server 2022", "amd64").entry())
        .isEqualTo("lib/windows-x86_64/stillgate.dll");
    assertThat(Platform.of("FreeBSD", "riscv64")).hasToString("freebsd-riscv64");
    assertThat(Platform.current().file()).isEqualTo(System.mapLibraryName("stillgate"));
  }
}
