using System.Collections.Immutable;
using System.Text;
using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Ike.Eap;
using Kuguru.Wire.Eap;

namespace Kuguru.Tests.Ike.Eap;

/// <summary>A server with two users and a client, who talk EAP with nothing around it.</summary>
sealed class EapTalk
{
    readonly StringBuilder _transcript = new();
    readonly SeededDice _dice = new(5247);

    public Dictionary<string, string> Users { get; } = new(StringComparer.Ordinal) { ["carol"] = "Ar3etTnp", ["dave"] = "W7R0g3do" };
    public Dictionary<string, Secret> Hashes { get; } = new(StringComparer.Ordinal);
    public string User { get; init; } = "carol";
    public string Password { get; init; } = "Ar3etTnp";
    public bool AsksName { get; init; } = true;
    public ImmutableArray<EapType> Offered { get; init; } = [EapType.MsChapV2];
    public ImmutableArray<EapType> Accepted { get; init; } = [EapType.MsChapV2, EapType.Md5Challenge, EapType.GenericTokenCard, EapType.Tls];
    public TlsSetup? ServerTls { get; init; }
    public TlsSetup? ClientTls { get; init; }

    /// <summary>What becomes of a packet on its way; nothing by default.</summary>
    public Func<EapPacket, EapPacket> Changes { get; set; } = packet => packet;

    /// <summary>What the client says instead of its methods; null is what it would say.</summary>
    public Func<EapPacket, EapPacket?> ClientSays { get; set; } = _ => null;

    public string Transcript => _transcript.ToString();
    public EapStep? AtServer { get; private set; }
    public EapStep? AtClient { get; private set; }
    public int Packets { get; private set; }

    public EapResult ServerResult => ((EapStep.Succeed)AtServer!).Result;
    public EapResult ClientResult => ((EapStep.Succeed)AtClient!).Result;
    public string ServerWhy => ((EapStep.Fail)AtServer!).Why;
    public string ClientWhy => ((EapStep.Fail)AtClient!).Why;

    public EapTalk Run()
    {
        using var server = new EapServer(Identity.Parse("192.168.0.100"), AsksName,
            user => user is null || Users.ContainsKey(user.ToString()) || user.ToString() == "nobody" || !AsksName ? Offered : [], AtServerSide, identifier: 41);
        using var client = new EapPeer(Identity.Parse(User), Accepted, AtClientSide);
        AtServer = server.Start();
        while (AtServer is EapStep.Say or EapStep.Succeed { Packet: not null } or EapStep.Fail { Packet: not null } && AtClient is null or EapStep.Say)
        {
            var down = Write("<", Packet(AtServer)!);
            AtClient = ClientSays(down) is { } other ? new EapStep.Say(other) : client.Receive(down);
            if (AtServer is not EapStep.Say || AtClient is not EapStep.Say said)
                break;
            AtServer = server.Receive(Write(">", said.Packet));
        }
        return this;
    }

    EapMethod AtServerSide(EapType type, Identity user, bool isNamed)
    {
        var users = new EapUsers((kind, who) => kind switch
        {
            SharedKeyKind.NtHash => Hashes.TryGetValue(who.ToString(), out var hash) ? [new PresharedKey("hash", hash, [])] : [],
            _ => Users.TryGetValue(who.ToString(), out var password) ? [Key(password)] : [],
        });
        return type switch
        {
            _ when type == EapType.Md5Challenge => new EapMd5.Server(user, users, _dice),
            _ when type == EapType.GenericTokenCard => new EapGtc.Server(user, users, _dice),
            _ when type == EapType.Tls => EapTls.Server(ServerTls!, _dice),
            _ => new EapMsChapV2.Server(user, isNamed, users, _dice),
        };
    }

    EapMethod AtClientSide(EapType type)
    {
        var user = Identity.Parse(User);
        var users = new EapUsers((kind, _) => kind == SharedKeyKind.Eap && Password.Length > 0 ? [Key(Password)] : []);
        return type switch
        {
            _ when type == EapType.Md5Challenge => new EapMd5.Peer(user, users),
            _ when type == EapType.GenericTokenCard => new EapGtc.Peer(user, users),
            _ when type == EapType.Tls => EapTls.Peer(ClientTls!, _dice),
            _ => new EapMsChapV2.Peer(user, users, _dice),
        };
    }

    static PresharedKey Key(string password) => new("user", Secret.Copy(Encoding.UTF8.GetBytes(password)), []);

    static EapPacket? Packet(EapStep step) => step switch
    {
        EapStep.Say say => say.Packet,
        EapStep.Succeed succeed => succeed.Packet,
        EapStep.Fail fail => fail.Packet,
        _ => throw new InvalidOperationException(),
    };

    EapPacket Write(string direction, EapPacket packet)
    {
        Packets++;
        packet = Changes(packet);
        _transcript.Append($"{direction} {packet}\n");
        // What crosses the wire is octets.
        return EapPacket.TryParse(packet.ToBlob(), out var read, out _) ? read : throw new InvalidOperationException("unreadable");
    }
}
