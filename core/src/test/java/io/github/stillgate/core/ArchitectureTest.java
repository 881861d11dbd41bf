package io.github.stillgate.core;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.stage.StreamRun;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;

/** The rooms stand in one line, each knows only those to its left, and the kernel knows nobody. */
@AnalyzeClasses(
    packages = ArchitectureTest.CORE,
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  static final String CORE = "io.github.stillgate.core";

  private static final String WEIGHTS = CORE + ".weights";
  private static final String JSON = CORE + ".json";
  private static final String MODEL = CORE + ".model";
  private static final String FORMAT = MODEL + ".format";
  private static final String PLAN = CORE + ".plan";
  private static final String SESSION = CORE + ".session";
  private static final String STAGE = CORE + ".stage";
  private static final String KERNEL = CORE + ".kernel";
  private static final String REFERENCE = KERNEL + ".reference";

  @ArchTest
  static final ArchRule dependenciesPointLeftAndDown =
      layeredArchitecture()
          .consideringOnlyDependenciesInAnyPackage("io.github.stillgate..")
          .layer("json")
          .definedBy(JSON)
          .layer("weights")
          .definedBy(WEIGHTS)
          .layer("model")
          .definedBy(MODEL, FORMAT)
          .layer("plan")
          .definedBy(PLAN)
          .layer("session")
          .definedBy(SESSION)
          .layer("stage")
          .definedBy(STAGE)
          .layer("kernel")
          .definedBy(KERNEL)
          .layer("reference")
          .definedBy(REFERENCE)
          .whereLayer("json")
          .mayNotAccessAnyLayer()
          .whereLayer("weights")
          .mayOnlyAccessLayers("json", "kernel")
          .whereLayer("model")
          .mayOnlyAccessLayers("json", "weights", "kernel")
          .whereLayer("plan")
          .mayOnlyAccessLayers("weights", "model", "stage", "kernel")
          .whereLayer("session")
          .mayOnlyAccessLayers("weights", "model", "plan", "stage", "kernel")
          .whereLayer("stage")
          .mayOnlyAccessLayers("model", "kernel")
          .whereLayer("kernel")
          .mayNotAccessAnyLayer()
          .whereLayer("reference")
          .mayOnlyAccessLayers("kernel");

  @ArchTest
  static final ArchRule theReferenceIsFoundByTheServiceLoaderOnly =
      noClasses()
          .that()
          .resideOutsideOfPackage(REFERENCE)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(REFERENCE);

  /**
   * A user meets what checks its arguments: no exported type shows one of the rooms that do not.
   */
  @ArchTest
  static final ArchRule exportedTypesShowNoRoomThatIsNotExported =
      methods()
          .that()
          .arePublic()
          .and()
          .areDeclaredInClassesThat()
          .arePublic()
          .and()
          .areDeclaredInClassesThat()
          .resideInAnyPackage(WEIGHTS, MODEL, PLAN, SESSION)
          .should(showOnlyExportedTypes());

  @ArchTest
  static void modulesExportUserRoomsAndTheFloorToBackendsAndJsonToImportersOnly(JavaClasses classes)
      throws IOException, URISyntaxException {
    ModuleDescriptor module;
    try (InputStream file = Files.newInputStream(root().resolve("module-info.class"))) {
      module = ModuleDescriptor.read(file);
    }
    assertThat(module.exports())
        .extracting(ModuleDescriptor.Exports::source)
        .containsExactlyInAnyOrder(WEIGHTS, MODEL, PLAN, SESSION, KERNEL, JSON);
    assertThat(module.exports())
        .filteredOn(ModuleDescriptor.Exports::isQualified)
        .extracting(ModuleDescriptor.Exports::source, exports -> exports.targets())
        .containsExactlyInAnyOrder(
            tuple(JSON, Set.of("io.github.stillgate.importers")),
            tuple(
                KERNEL,
                Set.of("io.github.stillgate.kernel.vector", "io.github.stillgate.kernel.ffm")));
  }

  private static Path root() throws URISyntaxException {
    return Path.of(Plan.class.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  private static ArchCondition<JavaMethod> showOnlyExportedTypes() {
    return new ArchCondition<>("show only exported types") {
      @Override
      public void check(JavaMethod method, ConditionEvents events) {
        if (!isSeen(method.getOwner())) {
          return;
        }
        Stream.concat(Stream.of(method.getRawReturnType()), method.getRawParameterTypes().stream())
            .map(JavaClass::getBaseComponentType)
            .filter(type ->
                type.getPackageName().startsWith(STAGE)
                    || type.getPackageName().startsWith(KERNEL)
                    || type.getPackageName().equals(JSON))
            .forEach(type ->
                events.add(
                    SimpleConditionEvent.violated(
                        method, method.getFullName() + " shows " + type.getName())));
      }
    };
  }

  /** A type within one that is not public is not seen. */
  private static boolean isSeen(JavaClass type) {
    return type.getModifiers().contains(JavaModifier.PUBLIC)
        && type.getEnclosingClass().map(ArchitectureTest::isSeen).orElse(true);
  }

  @ArchTest
  static final ArchRule everyClassStandsInARoom =
      classes()
          .should()
          .resideInAnyPackage(
              JSON, WEIGHTS, MODEL, FORMAT, PLAN, SESSION, STAGE, KERNEL, REFERENCE);

  @ArchTest
  static final ArchRule noClassIsNamedAfterNothing =
      noClasses().should().haveNameMatching(".*(Util|Helper|Manager|Impl|Support)s?(\\$.*)?");

  @ArchTest
  static final ArchRule jsonStaysWhereFilesAreRead =
      noClasses()
          .that()
          .resideOutsideOfPackage(JSON)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("com.fasterxml..");

  @ArchTest
  static final ArchRule jsonIsReadByTheStreamingParserAlone =
      noClasses()
          .should()
          .dependOnClassesThat(
              JavaClass.Predicates.resideInAPackage("com.fasterxml..")
                  .and(
                      DescribedPredicate.not(
                          JavaClass.Predicates.resideInAPackage("com.fasterxml.jackson.core.."))));

  /**
   * Class files the reader is too old for are left out with a warning, and rules over nothing hold.
   */
  @ArchTest
  static void everyClassFileIsReadWithItsDependencies(JavaClasses classes)
      throws IOException, URISyntaxException {
    try (Stream<Path> files = Files.walk(root().resolve(CORE.replace('.', '/')))) {
      long expected = files.filter(file -> file.toString().endsWith(".class")).count();
      assertThat(classes).hasSize(Math.toIntExact(expected)).hasSizeGreaterThan(40);
    }
    assertThat(classes.get(Session.class).getDirectDependenciesFromSelf())
        .extracting(dependency -> dependency.getTargetClass().getName())
        .contains(Plan.class.getName(), StreamRun.class.getName());
    assertThat(classes)
        .extracting(JavaClass::getPackageName)
        .contains(JSON, WEIGHTS, MODEL, FORMAT, PLAN, SESSION, STAGE, KERNEL, REFERENCE);
  }
}
