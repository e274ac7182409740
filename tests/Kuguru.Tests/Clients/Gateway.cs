using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Pki;
using Kuguru.Tests.Ike;
using Kuguru.Tests.Pki;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Clients;

/// <summary>A node with the configuration of docs/clients.md, on virtual time; who comes to it comes through a NAT.</summary>
sealed class Gateway
{
    public const string Name = "gateway.example.org";

    /// <summary>The extended key usage that Windows and Apple want to see (RFC 5280 section 4.2.1.12).</summary>
    static readonly System.Security.Cryptography.X509Certificates.X509Extension s_serverAuth =
        new System.Security.Cryptography.X509Certificates.X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1")], critical: false);

    readonly Outbox _outbox = new();
    int _seeds;
    readonly Dictionary<Endpoint, ScriptedClient> _clients = [];

    /// <summary>Who signs for the gateway, and who for the devices.</summary>
    public static Authority Public { get; } = Authority.Root("Public CA");

    /// <inheritdoc cref="Public"/>
    public static Authority Devices { get; } = Authority.Root("Devices CA");

    static readonly Issued s_own = Public.Issue(Name, new Wish { Keys = "rsa2048", Names = [Name], Extensions = [s_serverAuth] });

    /// <param name="change">Of the documented text.</param>
    public Gateway(Func<string, string>? change = null)
    {
        var folder = Directory.CreateTempSubdirectory("clients-").FullName;
        void Write(string name, string text)
        {
            var path = System.IO.Path.Combine(folder, name);
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }
        Write("swanctl.conf", (change ?? (text => text))(Documentation.Configurations("docs/clients.md")[0]));
        WriteCredentials(Write);
        var complaints = new Complaints();
        var conf = SwanctlConf.Load(System.IO.Path.Combine(folder, "swanctl.conf"), complaints) ?? throw new InvalidOperationException(string.Join('\n', complaints.All));
        Directory.Delete(folder, recursive: true);
        foreach (var request in conf.Requests)
            Load(request);
        Node.Command(Now, new Order.LocalAddresses([Address]), _outbox);
        _outbox.Clear();
    }

    public static IpAddress Address { get; } = IpAddress.Parse("192.0.2.1");
    public Napt Nat { get; } = new("198.51.100.7", firstPort: 20000);
    public Node Node { get; } = new(new IkeSettings(), new SeededDice(7), World.Clock);
    public Instant Now { get; private set; } = new(1_000_000_000);
    public List<Event> Events { get; } = [];

    /// <summary>What the packet path has: by inbound SPI.</summary>
    public Dictionary<Spi, ChildSa> Installed { get; } = [];

    public IkeSaStatus Sa => Assert.Single(Node.Status(Now));
    public ChildSa Child => Assert.Single(Installed.Values);
    public IEnumerable<string> Failures => Events.OfType<Event.Failed>().Select(failed => failed.Failure.Sentence);

    /// <summary>The files that the documented configurations name.</summary>
    public static void WriteCredentials(Action<string, string> write)
    {
        write("x509/gateway.pem", s_own.Pem);
        write("private/gateway.pem", s_own.Keys.Pem);
        write("x509ca/public.pem", Public.Own.Pem);
        write("x509ca/devices.pem", Devices.Own.Pem);
        write("x509/laptop.pem", Devices.Issue("laptop.example.org").Pem);
    }

    /// <summary>No two clients have the same luck.</summary>
    public int NextSeed() => ++_seeds;

    /// <summary>Where a client comes from, as the gateway sees it.</summary>
    public Endpoint Meet(ScriptedClient client, Endpoint inside)
    {
        var outside = Nat.Out(inside);
        _clients[outside] = client;
        return outside;
    }

    public void Receive(Endpoint from, ushort port, Blob bytes) => Do(() => Node.Receive(Now, new Datagram(new(new(Address, port), from), bytes.Span), _outbox));

    public void Order(Order order) => Do(() => Node.Command(Now, order, _outbox));

    /// <summary>Lets time pass; a client answers what it is asked meanwhile.</summary>
    public void Run(TimeSpan time)
    {
        var end = Now + time;
        while (Node.Deadline is { } next && next <= end)
        {
            Now = next > Now ? next : Now;
            Do(() => Node.Tick(Now, _outbox));
        }
        Now = end;
    }

    void Do(Action turn)
    {
        turn();
        var effects = _outbox.Effects.ToList();
        _outbox.Clear();
        foreach (var effect in effects)
            Obey(effect);
    }

    void Obey(Effect effect)
    {
        switch (effect)
        {
            case Effect.Transmit transmit:
                if (_clients.TryGetValue(transmit.Path.Remote, out var client))
                    client.Receive(transmit.Bytes);
                break;
            case Effect.Report report:
                Events.Add(report.Event);
                break;
            case Effect.InstallSa install:
                Installed.Add(install.Sa.InboundSpi, install.Sa);
                break;
            case Effect.RemoveSa remove:
                Installed.Remove(remove.InboundSpi);
                break;
            case Effect.MoveSa move:
                Installed[move.InboundSpi] = Installed[move.InboundSpi] with { Path = move.Path, UdpEncapsulated = move.UdpEncapsulated };
                break;
        }
    }

    void Load(LoadRequest request)
    {
        IReadOnlyList<ConfigError> errors = [];
        switch (request.Command)
        {
            case "load-cert":
                Assert.True(Certificate.TryRead(request.Message.Bytes("data")!.Value.Span, out var certificate, out _));
                Node.Certificates.Add(certificate);
                break;
            case "load-key":
                Assert.True(PrivateKey.TryRead(KeyFile.Decode(request.Message.Bytes("data")!.Value.Span, out _), out var key, out _));
                Node.Certificates.Add(key);
                break;
            case "load-shared":
                Node.Credentials.Load(SharedKeyReader.Read(request.Message, "nameless", out errors)!);
                break;
            case "load-pool":
                foreach (var pool in request.Message.Sections)
                    Assert.Null(Node.Pools.Load(PoolReader.Read(pool.Name, pool.Body, out errors)!));
                break;
            case "load-conn":
                foreach (var connection in request.Message.Sections)
                    Node.Load(Now, ConnectionReader.Read(connection.Name, connection.Body, CharonSettings.Default, out errors)!, _outbox);
                break;
            default:
                throw new InvalidOperationException(request.Command);
        }
        Assert.Empty(errors);
    }
}
