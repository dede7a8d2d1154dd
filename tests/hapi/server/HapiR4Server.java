import ca.uhn.fhir.batch2.api.IJobMaintenanceService;
import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.batch2.jobs.export.BulkDataExportProvider;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.partition.PartitionManagementProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.JpaSystemProvider;
import ca.uhn.fhir.jpa.provider.ValueSetOperationProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.subscription.match.config.SubscriptionProcessorConfig;
import ca.uhn.fhir.jpa.subscription.match.deliver.email.IEmailSender;
import ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig;
import ca.uhn.fhir.jpa.topic.SubscriptionTopicConfig;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.IncomingRequestAddressStrategy;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.interceptor.RequestValidatingInterceptor;
import ca.uhn.fhir.rest.server.interceptor.partition.RequestTenantPartitionInterceptor;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.tenant.UrlBaseTenantIdentificationStrategy;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import ca.uhn.fhir.validation.IInstanceValidatorModule;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import jakarta.persistence.EntityManagerFactory;
import java.util.Properties;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.hl7.fhir.dstu2.model.Subscription;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;
import org.springframework.transaction.annotation.EnableTransactionManagement;

/**
 * A throw-away FHIR R4 server for tests and demos: HAPI JPA, H2 in memory, Jetty on loopback only.
 *
 * <p>Usage: HapiR4Server PORT. Switches, as -Dfhir.NAME=VALUE: searchCacheMs (60000 or off),
 * defaultPage (20), maxPage (200), validateWrites (false), batchTickMs (500), tenants (false): many
 * servers in one, each at BASE/NAME once $partition-management-create-partition has made it.
 */
public class HapiR4Server {

  private static final boolean HAS_TENANTS = Boolean.parseBoolean(option("tenants", "false"));

  private static String option(String name, String fallback) {
    return System.getProperty("fhir." + name, fallback);
  }

  @Configuration
  @EnableTransactionManagement
  @Import({
    JpaR4Config.class,
    HapiJpaConfig.class,
    JpaBatch2Config.class,
    Batch2JobsConfig.class,
    ThreadPoolFactoryConfig.class,
    SubscriptionSubmitterConfig.class,
    SubscriptionProcessorConfig.class,
    SubscriptionChannelConfig.class,
    SubscriptionTopicConfig.class
  })
  public static class Config {

    @Bean
    public JpaStorageSettings storageSettings() {
      JpaStorageSettings settings = new JpaStorageSettings();
      String cacheMs = option("searchCacheMs", "60000");
      settings.setReuseCachedSearchResultsForMillis(
          cacheMs.equals("off") ? null : Long.valueOf(cacheMs));
      settings.setExpungeEnabled(true);
      settings.setJobFastTrackingEnabled(true);
      return settings;
    }

    @Bean
    public RestfulServer restfulServer(FhirContext context) {
      return new RestfulServer(context);
    }

    @Bean
    public PartitionSettings partitionSettings() {
      PartitionSettings settings = new PartitionSettings();
      settings.setPartitioningEnabled(HAS_TENANTS);
      settings.setConditionalCreateDuplicateIdentifiersEnabled(HAS_TENANTS);
      return settings;
    }

    @Bean
    public SubscriptionSettings subscriptionSettings() {
      SubscriptionSettings settings = new SubscriptionSettings();
      settings.addSupportedSubscriptionType(Subscription.SubscriptionChannelType.RESTHOOK);
      return settings;
    }

    @Bean
    public IEmailSender emailSender() {
      return details -> {}; // the subscription module asks for one; this server sends no mail
    }

    @Bean(destroyMethod = "close")
    public DataSource dataSource() {
      BasicDataSource pool = new BasicDataSource();
      pool.setUrl("jdbc:h2:mem:fhir;DB_CLOSE_DELAY=-1");
      pool.setUsername("sa");
      pool.setPassword("");
      pool.setMaxTotal(20);
      return pool;
    }

    @Bean
    public LocalContainerEntityManagerFactoryBean entityManagerFactory(
        ConfigurableListableBeanFactory beans,
        FhirContext context,
        JpaStorageSettings settings,
        DataSource dataSource) {
      Properties jpa = new Properties();
      jpa.put("hibernate.dialect", HapiFhirH2Dialect.class.getName());
      jpa.put("hibernate.hbm2ddl.auto", "update");
      jpa.put("hibernate.jdbc.batch_size", "20");
      jpa.put("hibernate.cache.use_query_cache", "false");
      jpa.put("hibernate.cache.use_second_level_cache", "false");
      jpa.put("hibernate.search.enabled", "false");
      LocalContainerEntityManagerFactoryBean factory =
          HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, context, settings);
      factory.setPersistenceUnitName("fhir");
      factory.setDataSource(dataSource);
      factory.setJpaProperties(jpa);
      return factory;
    }

    @Bean
    public JpaTransactionManager transactionManager(EntityManagerFactory factory) {
      return new JpaTransactionManager(factory);
    }
  }

  public static void main(String[] args) {
    try {
      serve(Integer.parseInt(args[0]));
    } catch (Throwable e) {
      e.printStackTrace();
      System.exit(1); // HAPI's worker threads would keep a half-started JVM alive
    }
  }

  private static void serve(int port) throws Exception {
    AnnotationConfigApplicationContext app = new AnnotationConfigApplicationContext(Config.class);
    app.registerShutdownHook();
    configure(app.getBean(RestfulServer.class), app);
    startBatchTicker(app.getBean(IJobMaintenanceService.class));
    Server jetty = jetty(port, app.getBean(RestfulServer.class));
    jetty.start();
    System.out.printf("READY http://127.0.0.1:%d/fhir%n", port);
    jetty.join();
  }

  private static void configure(RestfulServer fhir, ApplicationContext app) {
    fhir.registerProviders(
        app.getBean("myResourceProvidersR4", ResourceProviderFactory.class).createProviders());
    fhir.registerProvider(app.getBean(JpaSystemProvider.class));
    fhir.registerProvider(app.getBean(BulkDataExportProvider.class));
    fhir.registerProvider(app.getBean(ValueSetOperationProvider.class));
    JpaCapabilityStatementProvider capabilities =
        new JpaCapabilityStatementProvider(
            fhir,
            app.getBean(IFhirSystemDao.class),
            app.getBean(JpaStorageSettings.class),
            app.getBean(ISearchParamRegistry.class),
            app.getBean(IValidationSupport.class));
    capabilities.setImplementationDescription("b12fhir test server");
    fhir.setServerConformanceProvider(capabilities);
    fhir.setDefaultResponseEncoding(EncodingEnum.JSON);
    fhir.setServerAddressStrategy(new IncomingRequestAddressStrategy());
    DatabaseBackedPagingProvider paging = app.getBean(DatabaseBackedPagingProvider.class);
    paging.setDefaultPageSize(Integer.parseInt(option("defaultPage", "20")));
    paging.setMaximumPageSize(Integer.parseInt(option("maxPage", "200")));
    fhir.setPagingProvider(paging);
    if (HAS_TENANTS) {
      fhir.setTenantIdentificationStrategy(new UrlBaseTenantIdentificationStrategy());
      fhir.registerInterceptor(app.getBean(RequestTenantPartitionInterceptor.class));
      fhir.registerProvider(app.getBean(PartitionManagementProvider.class));
    }
    if (Boolean.parseBoolean(option("validateWrites", "false"))) {
      RequestValidatingInterceptor validator = new RequestValidatingInterceptor();
      validator.addValidatorModule(app.getBean(IInstanceValidatorModule.class));
      validator.setFailOnSeverity(ResultSeverityEnum.ERROR);
      fhir.registerInterceptor(validator);
    }
  }

  private static Server jetty(int port, RestfulServer fhir) {
    Server jetty = new Server();
    ServerConnector connector = new ServerConnector(jetty);
    connector.setHost("127.0.0.1");
    connector.setPort(port);
    jetty.addConnector(connector);
    ServletHolder holder = new ServletHolder(fhir);
    holder.setInitOrder(1); // at start, so that READY means ready
    ServletContextHandler web = new ServletContextHandler("/");
    web.addServlet(holder, "/fhir/*");
    jetty.setHandler(web);
    jetty.setStopAtShutdown(true);
    return jetty;
  }

  /** Bulk export advances only in a maintenance pass, which HAPI by itself runs once a minute. */
  private static void startBatchTicker(IJobMaintenanceService jobs) {
    long everyMs = Long.parseLong(option("batchTickMs", "500"));
    Thread ticker =
        new Thread(
            () -> {
              while (true) {
                try {
                  Thread.sleep(everyMs);
                  jobs.runMaintenancePass();
                } catch (InterruptedException e) {
                  return;
                } catch (RuntimeException e) {
                  System.err.println("maintenance pass: " + e);
                }
              }
            },
            "batch-tick");
    ticker.setDaemon(true);
    ticker.start();
  }
}
