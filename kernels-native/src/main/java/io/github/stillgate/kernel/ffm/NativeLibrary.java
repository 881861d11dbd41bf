package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.Availability;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The C library in use: {@code -Dstillgate.native.library=PATH} if given, else the one inside this
 * jar, by way of {@code -Dstillgate.native.tmpdir=DIRECTORY} or else the JVM's temporary directory.
 * {@code -Dstillgate.native.tier=avx2} caps the instruction set; a cap can only go down.
 *
 * <p>A library is usable only when it has every export, of the ABI version that this class was
 * written for.
 */
final class NativeLibrary {
  static final String LIBRARY_PROPERTY = "stillgate.native.library";
  static final String DIRECTORY_PROPERTY = "stillgate.native.tmpdir";
  static final String TIER_PROPERTY = "stillgate.native.tier";

  /** SG_ABI_VERSION of {@code native/include/stillgate.h}. */
  static final long ABI_VERSION = 5;

  /** Missing exports that a message names. */
  private static final int NAMED = 3;

  private static final NativeLibrary LOADED = load(Settings.ofThisProcess());

  private final @Nullable SymbolLookup symbols;
  private final Availability availability;

  private NativeLibrary(@Nullable SymbolLookup symbols, Availability availability) {
    this.symbols = symbols;
    this.availability = availability;
  }

  /**
   * Where a library comes from.
   *
   * @param named the library's path, or empty for the one in the jar
   * @param cap the highest tier, or empty
   * @param directory where the library in the jar is copied to
   * @param platform the platform that it must be for
   * @param resources opens a resource of the jar by its name, or gives null
   */
  record Settings(
      String named,
      String cap,
      String directory,
      Platform platform,
      Function<String, @Nullable InputStream> resources) {
    static Settings ofThisProcess() {
      String directory = System.getProperty(DIRECTORY_PROPERTY, "").strip();
      return new Settings(
          System.getProperty(LIBRARY_PROPERTY, "").strip(),
          System.getProperty(TIER_PROPERTY, "").strip(),
          directory.isEmpty() ? System.getProperty("java.io.tmpdir", "") : directory,
          Platform.current(),
          NativeLibrary.class::getResourceAsStream);
    }
  }

  /** The library that this process uses. */
  static NativeLibrary loaded() {
    return LOADED;
  }

  /** The function {@code export} of the library in use; only when that is usable. */
  static MethodHandle handle(Export export) {
    SymbolLookup symbols = LOADED.symbols;
    if (symbols == null) {
      throw new IllegalStateException(LOADED.availability.toString());
    }
    return handle(symbols, export);
  }

  /** Opens and examines a library; says in its availability what keeps it from being used. */
  static NativeLibrary load(Settings settings) {
    Module module = NativeLibrary.class.getModule();
    try {
      SymbolLookup symbols =
          settings.named.isEmpty()
              ? LibraryFile.packaged(
                  settings.platform,
                  Path.of(settings.directory).toAbsolutePath(),
                  settings.resources)
              : LibraryFile.named(settings.named, settings.platform);
      examine(symbols, settings.named);
      return new NativeLibrary(symbols, Availability.usable(chooseTier(symbols, settings.cap)));
    } catch (LibraryRefusedException refused) {
      return new NativeLibrary(null, refused.availability());
    } catch (IllegalCallerException denied) {
      return unusable(
          "native access is denied to " + (module.isNamed() ? module.getName() : "the class path"),
          "add --enable-native-access=" + (module.isNamed() ? module.getName() : "ALL-UNNAMED"));
    } catch (RuntimeException | LinkageError unforeseen) {
      // A backend that cannot run says so; it never breaks those that can.
      return unusable(
          "the C library could not be opened (" + unforeseen + ")", "use another backend");
    }
  }

  Availability availability() {
    return availability;
  }

  private static NativeLibrary unusable(String reason, String cure) {
    return new NativeLibrary(null, Availability.unusable(reason, cure));
  }

  /** Refuses a library that is not ours, of another ABI version, or not whole. */
  private static void examine(SymbolLookup symbols, String named) throws LibraryRefusedException {
    boolean isNamed = !named.isEmpty();
    String culprit = isNamed ? "-D" + LIBRARY_PROPERTY + "=" + named : "the C library in this jar";
    String cure =
        isNamed
            ? "name a libstillgate built from the sources of this version, or leave -D"
                + LIBRARY_PROPERTY
                + " out to use the one in the jar"
            : "build the jar again from clean sources (mvn clean package)";
    List<String> missing =
        Arrays.stream(Export.values())
            .map(Export::symbol)
            .filter(symbol -> symbols.find(symbol).isEmpty())
            .toList();
    if (missing.contains(Export.ABI_VERSION.symbol())) {
      throw new LibraryRefusedException(
          "%s is not a C library of Stillgate, or one from before ABI versions: it lacks %s"
              .formatted(culprit, some(missing)),
          cure);
    }
    long version = abiVersion(symbols);
    if (version != ABI_VERSION) {
      throw new LibraryRefusedException(
          "%s has ABI version %s, and this backend needs %s"
              .formatted(culprit, Long.toString(version), Long.toString(ABI_VERSION)),
          cure);
    }
    if (!missing.isEmpty()) {
      throw new LibraryRefusedException("%s lacks %s".formatted(culprit, some(missing)), cure);
    }
  }

  private static String some(List<String> missing) {
    String names = String.join(", ", missing.subList(0, Math.min(NAMED, missing.size())));
    int more = missing.size() - NAMED;
    return more > 0 ? names + " and " + more + " more of " + Export.values().length : names;
  }

  private static MethodHandle handle(SymbolLookup symbols, Export export) {
    return Linker.nativeLinker()
        .downcallHandle(symbols.findOrThrow(export.symbol()), export.descriptor());
  }

  private static long abiVersion(SymbolLookup symbols) {
    MethodHandle version = handle(symbols, Export.ABI_VERSION);
    try {
      return (long) version.invokeExact();
    } catch (Throwable e) {
      throw new AssertionError("a downcall throws nothing", e);
    }
  }

  private static String chooseTier(SymbolLookup symbols, String cap)
      throws LibraryRefusedException {
    MethodHandle chooseTier = handle(symbols, Export.CHOOSE_TIER);
    MemorySegment tier;
    try (Arena arena = Arena.ofConfined()) {
      tier = (MemorySegment) chooseTier.invokeExact(arena.allocateFrom(cap));
    } catch (Throwable e) {
      throw new AssertionError("a downcall throws nothing", e);
    }
    if (tier.address() == 0) {
      throw new LibraryRefusedException(
          "no instruction set with fused multiply-add on this CPU"
              + (cap.isEmpty() ? "" : " at or below -D" + TIER_PROPERTY + "=" + cap),
          cap.isEmpty()
              ? "use the reference backend"
              : "known tiers: avx512vnni, avx512, avx2, neon");
    }
    return tier.reinterpret(16).getString(0);
  }
}
