using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Kuguru.Daemon;

/// <summary>Runs the daemon in the foreground: signals, systemd's notifications and log format, one line for each event.</summary>
public static class DaemonHost
{
    /// <summary>Until SIGTERM, SIGINT or the token.</summary>
    /// <exception cref="DaemonStartException">It cannot start.</exception>
    public static async Task Run(DaemonOptions options, CancellationToken stop)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSystemd();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddHostedService<DaemonService>();
        builder.Logging.SetMinimumLevel(options.Verbose ? LogLevel.Debug : LogLevel.Information);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        // What keeps it from starting is thrown, and one line says it.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        builder.Services.AddSingleton<ConsoleFormatter, LineFormatter>();
        var isService = Microsoft.Extensions.Hosting.Systemd.SystemdHelpers.IsSystemdService();
        builder.Logging.AddConsole(console => console.FormatterName = isService ? ConsoleFormatterNames.Systemd : LineFormatter.FormatterName);
        using var host = builder.Build();
        await host.RunAsync(stop);
    }
}
