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

/// <summary>A node with one of the configurations of docs/clients.md, on virtual time. What it sends arrives at once.</summary>
abstract class DocumentedNode
{
    /// <summary>What the gateway is called.</summary>
    public const string Name = "gateway.example.org";

    /// <summary>The extended key usage that Windows and Apple want to see (RFC 5280 section 4.2.1.12).</summary>
    static readonly System.Security.Cryptography.X509Certificates.X509Extension s_serverAuth =
        new System.Security.Cryptography.X509Certificates.X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1")], critical: false);

    readonly Outbox _outbox = new();

    /// <summary>Who signs for the gateway, and who for the devices.</summary>
    public static Authority Public { get; } = Authority.Root("Public CA");

    /// <inheritdoc cref="Public"/>
    public static Authority Devices { get; } = Authority.Root("Devices CA");

    /// <summary>The gateway's certificate.</summary>
    public static Issued Own { get; } = Public.Issue(Name, new Wish { Keys = "rsa2048", Names = [Name], Extensions = [s_serverAuth] });

    static readonly Issued s_laptop = Devices.Issue("laptop.example.org", "rsa2048");

    /// <param name="block">Which of the configurations.</param>
    /// <param name="change">Of its text.</param>
    protected DocumentedNode(int block, Func<string, string>? change)
    {
        var folder = Directory.CreateTempSubdirectory("clients-").FullName;
        void Write(string name, string text)
        {
            var path = System.IO.Path.Combine(folder, name);
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }
        Write("swanctl.conf", (change ?? (text => text))(Documentation.Configurations("docs/clients.md")[block]));
        WriteCredentials(Write);
        var complaints = new Complaints();
        var conf = SwanctlConf.Load(System.IO.Path.Combine(folder, "swanctl.conf"), complaints) ?? throw new InvalidOperationException(string.Join('\n', complaints.All));
        Directory.Delete(folder, recursive: true);
        foreach (var request in conf.Requests)
            Load(request);
    }

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
        write("x509/gateway.pem", Own.Pem);
        write("private/gateway.pem", Own.Keys.Pem);
        write("x509ca/public.pem", Public.Own.Pem);
        write("x509ca/devices.pem", Devices.Own.Pem);
        write("x509/laptop.pem", s_laptop.Pem);
        write("private/laptop.pem", s_laptop.Keys.Pem);
    }

    public void Receive(Path path, Blob bytes) => Do(() => Node.Receive(Now, new Datagram(path, bytes.Span), _outbox));

    public void Order(Order order) => Do(() => Node.Command(Now, order, _outbox));

    /// <summary>Lets time pass.</summary>
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

    protected abstract void Send(Path path, Blob bytes);

    /// <summary>The way to a peer of this connection.</summary>
    protected virtual Path Find(Connection connection) => throw new InvalidOperationException($"nobody is to be looked for: {connection.Name}");

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
                Send(transmit.Path, transmit.Bytes);
                break;
            case Effect.FindPath find:
                Order(new Order.PathFound(find.Request, Find(find.Connection), ""));
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
