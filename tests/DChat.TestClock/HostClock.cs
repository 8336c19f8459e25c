using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace DChat.TestClock;

/// <summary>Gives every host that this process builds a clock instead of the one it has, at the event that the host tells before it makes its services.</summary>
internal sealed class HostClock(MovedClock clock) : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IStartupFilter
{
    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == "Microsoft.Extensions.Hosting")
        {
            value.Subscribe(this);
        }
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value is { Key: "HostBuilding", Value: IHostBuilder host })
        {
            host.ConfigureServices(services => services
                .Replace(ServiceDescriptor.Singleton<TimeProvider>(clock))
                .AddSingleton<IStartupFilter>(this));
        }
    }

    /// <summary>The web server dates its answers by the machine's clock, and only those that have no date: they get the one by which the process goes.</summary>
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        var time = app.ApplicationServices.GetRequiredService<TimeProvider>();
        app.Use((context, rest) =>
        {
            context.Response.Headers.Date = time.GetUtcNow().ToString("R");
            return rest(context);
        });
        next(app);
    };

    public void OnCompleted()
    {
        // The process ends.
    }

    public void OnError(Exception error)
    {
        // Nobody says so.
    }
}
