import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.parser.LenientErrorHandler;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationOptions;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.instance.model.api.IBaseResource;

/**
 * HAPI's validator over many resources in one JVM, without a network.
 *
 * <p>Argument: a folder of conformance resources (*.json, at any depth). Standard input: one resource a line,
 * as NAME tab PROFILES (comma-separated, may be empty) tab JSON. Standard output: one JSON object a line, in the
 * same order: {"name": ..., "issues": [{"severity", "id", "where", "text"}]}; severity information is left out.
 */
public final class ValidateR4 {
  private static final ObjectMapper JSON = new ObjectMapper();

  private ValidateR4() {}

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    System.setOut(System.err); // the libraries' log lines are no answers
    FhirContext context = FhirContext.forR4();
    // The parser is used for the profiles only: resources are validated as the text they are.
    context.setParserErrorHandler(new LenientErrorHandler(false));
    FhirValidator validator = validator(context, Path.of(arguments[0]));
    ExecutorService workers = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      List<Future<String>> answers =
          in.lines().map(line -> workers.submit(() -> judge(validator, line))).toList();
      for (Future<String> answer : answers) {
        out.println(answer.get());
      }
    } finally {
      workers.shutdown();
    }
    out.flush();
  }

  private static FhirValidator validator(FhirContext context, Path folder) throws Exception {
    ValidationSupportChain chain =
        new ValidationSupportChain(
            new DefaultProfileValidationSupport(context),
            loaded(context, folder),
            new InMemoryTerminologyServerValidationSupport(context),
            new CommonCodeSystemsTerminologyService(context),
            new SnapshotGeneratingValidationSupport(context),
            new UnknownCodeSystemWarningValidationSupport(context));
    FhirInstanceValidator instance = new FhirInstanceValidator(chain);
    instance.setErrorForUnknownProfiles(true);
    return context.newValidator().registerValidatorModule(instance);
  }

  private static PrePopulatedValidationSupport loaded(FhirContext context, Path folder) throws Exception {
    PrePopulatedValidationSupport support = new PrePopulatedValidationSupport(context);
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".json")).sorted().toList()) {
        IBaseResource resource = context.newJsonParser().parseResource(Files.readString(file));
        switch (context.getResourceType(resource)) {
          case "StructureDefinition", "ValueSet", "CodeSystem" -> support.addResource(resource);
          default -> { } // nothing that a validator asks for
        }
      }
    }
    return support;
  }

  private static String judge(FhirValidator validator, String line) throws Exception {
    String[] parts = line.split("\t", 3);
    ValidationOptions options = new ValidationOptions();
    Stream.of(parts[1].split(",")).filter(url -> !url.isEmpty()).forEach(options::addProfile);
    ObjectNode answer = JSON.createObjectNode().put("name", parts[0]);
    ArrayNode issues = answer.putArray("issues");
    for (SingleValidationMessage message : validator.validateWithResult(parts[2], options).getMessages()) {
      String severity = message.getSeverity().getCode();
      if (!severity.equals("information")) {
        issues.addObject()
            .put("severity", severity)
            .put("id", message.getMessageId())
            .put("where", message.getLocationString())
            .put("text", message.getMessage());
      }
    }
    return JSON.writeValueAsString(answer);
  }
}
