using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

//                                  <--  HDR*, HASH, CFG_REQUEST(XAUTH_USER_NAME, XAUTH_USER_PASSWORD)       draft-beaulieu-ike-xauth
// HDR*, HASH, CFG_REPLY(name, password)  -->                                                                again, as often as there are rounds
//                                  <--  HDR*, HASH, CFG_SET(XAUTH_STATUS)
// HDR*, HASH, CFG_ACK(XAUTH_STATUS)  -->
//
// The server asks, whichever side it is of phase 1.

/// <summary>A server whose peer is still to prove which user it is: every <c>xauth</c> round of the connection once.</summary>
sealed class XauthServer : KeyedPhase
{
    readonly Proved _proved;
    readonly Instant _until;
    readonly ushort _identifier;
    readonly List<Identity> _users = [];
    Connection _connection;
    MessageId _id;
    bool _hasPassed;

    XauthServer(Turn t, Proved proved) : base(proved.Keying) =>
        (_proved, _connection, _until, _identifier) = (proved, proved.Connection, t.Now + t.Settings.HalfOpenTimeout, (ushort)t.Node.Dice.UInt32());

    public static void Begin(Turn t, Proved proved)
    {
        var phase = new XauthServer(t, proved);
        t.Sa.Enter(phase);
        phase.Ask(t);
    }

    public override IkeState State => IkeState.Connecting;
    public override bool IsHalfOpen => _proved.Plan is null;
    public override Connection Connection => _connection;
    public override Identity LocalId => _proved.Local;
    public override Identity RemoteId => _proved.Remote;
    public override bool HasChild(string name) => false;
    public override Instant? Deadline(IkeV1Session sa) => _until;

    public override void Tick(Turn t)
    {
        if (_until <= t.Now)
            Fail(t, new Failure(FailureCode.TimedOut, $"'{_proved.Remote}' at {t.Sa.Path.Remote} does not answer XAUTH"));
    }

    public override void OnSilence(Turn t, Question question) =>
        Fail(t, new Failure(FailureCode.TimedOut, $"'{_proved.Remote}' at {t.Sa.Path.Remote} does not answer XAUTH"));

    public override void RequestChild(Turn t, ChildRequest request) =>
        t.Done(request.Token, new Failure(FailureCode.Aborted, $"child '{request.Child.Name}': its IKE SA is not established"));

    public override void Terminate(Turn t, ulong token, bool force)
    {
        End(t);
        t.Done(token);
    }

    protected override ImmutableArray<Blob>? OnQuickMode(Turn t, Opened opened) => null;

    protected override void OnInformational(Turn t, Opened opened)
    {
        if (opened.All<Payload.Delete>().Any(delete => delete.Protocol == IsakmpProtocol.Isakmp))
            t.Sa.Enter(new Gone(_connection));
    }

    void Ask(Turn t)
    {
        _id = PhaseOne.NewId(t);
        Send(t, _id, new Payload.Attributes(ConfigKind.Request, _identifier,
            [DataAttribute.Of(ConfigItem.XauthUserName, Blob.Empty), DataAttribute.Of(ConfigItem.XauthUserPassword, Blob.Empty)]), awaits: true);
    }

    protected override ImmutableArray<Blob>? OnTransaction(Turn t, MessageId id, Payload.Attributes attributes)
    {
        if (id != _id)
            return null;
        Close(t, id);
        if (_hasPassed)
            Established.Begin(t, _proved with { Connection = _connection }, _users[^1]);
        else if (attributes.Kind == ConfigKind.Reply)
            Judge(t, attributes);
        else
            Fail(t, new Failure(FailureCode.InvalidMessage, $"'{_proved.Remote}' at {t.Sa.Path.Remote} answers XAUTH with {Notation.Name(attributes.Kind)}"));
        return [];
    }

    void Judge(Turn t, Payload.Attributes reply)
    {
        if (reply.Find(ConfigItem.XauthUserName) is not { Value.Length: > 0 and <= 256 } name || reply.Find(ConfigItem.XauthUserPassword) is not { } password
            || !Identity.TryParse(Encoding.UTF8.GetString(name.Value), out var user, out _) || user.IsAny)
        {
            Fail(t, new Failure(FailureCode.AuthenticationFailed, $"'{_proved.Remote}' at {t.Sa.Path.Remote} gives no XAUTH name and password"));
            return;
        }
        // Which connection it is, the user may decide.
        var connection = PhaseOne.Fitting(t.Node, t.Sa.Path, _proved.Agreed, _proved.Remote, _connection.Aggressive).Prepend(_connection)
            .FirstOrDefault(one => PhaseOne.LocalId(one, t.Sa.Path) == _proved.Local && Rounds(one).ElementAtOrDefault(_users.Count) is { } round
                && (round.XauthId ?? Identity.Any).Fits(user) > 0);
        var isRight = t.Node.SecretsOf(SharedKeyKind.Eap, user).Any(secret => CryptographicOperations.FixedTimeEquals(secret.Secret.Span, Trimmed(password.Value)));
        if (connection is null || !isRight)
        {
            var why = connection is null ? "no connection has it as 'xauth_id'" : "wrong password, or no such user in 'secrets'";
            Tell(t, passed: false);
            Fail(t, new Failure(FailureCode.AuthenticationFailed, $"XAuth authentication of '{user}' ('{_proved.Remote}' at {t.Sa.Path.Remote}) failed: {why}"));
            return;
        }
        _connection = connection;
        _users.Add(user);
        t.Note(Severity.Info, Subject.Ike, $"XAuth authentication of '{user}' ('{_proved.Remote}' at {t.Sa.Path.Remote}) successful");
        if (_users.Count < Rounds(_connection).Count())
            Ask(t);
        else
            Tell(t, _hasPassed = true);
    }

    static IEnumerable<AuthenticationRound> Rounds(Connection connection) => connection.Remote.Where(round => round.Kind == AuthenticationKind.Xauth);

    /// <summary>Some clients end a password with a zero octet.</summary>
    static ReadOnlySpan<byte> Trimmed(Blob password) => password.Span.TrimEnd((byte)0);

    void Tell(Turn t, bool passed)
    {
        _id = PhaseOne.NewId(t);
        Send(t, _id, new Payload.Attributes(ConfigKind.Set, _identifier, [DataAttribute.Of((ushort)ConfigItem.XauthStatus, passed ? 1u : 0)]), awaits: passed);
    }

    void Fail(Turn t, Failure failure)
    {
        t.Fail(failure, _proved.Plan?.Tokens ?? []);
        End(t);
    }

    void End(Turn t)
    {
        PhaseOne.Tell(t, Keying, Informational.DeleteIsakmp(t));
        t.Sa.Enter(new Gone(_connection));
    }
}

/// <summary>A user whom the server has still to ask, or is asking.</summary>
sealed class XauthClient(Turn began, Proved proved) : KeyedPhase(proved.Keying)
{
    /// <summary>More questions are not answered.</summary>
    const int MaxRounds = 8;

    readonly Instant _until = began.Now + Retransmission.Whole(began.Settings);
    Plan? _plan = proved.Plan;
    Identity? _user;
    int _rounds;

    public override IkeState State => IkeState.Connecting;
    public override Connection Connection => proved.Connection;
    public override Identity LocalId => proved.Local;
    public override Identity RemoteId => proved.Remote;
    public override bool HasChild(string name) => _plan?.Children.Any(child => child.Child.Name == name) ?? false;
    public override Instant? Deadline(IkeV1Session sa) => _until;
    public override void OnSilence(Turn t, Question question) { }

    public override void Tick(Turn t)
    {
        if (_until <= t.Now)
            Fail(t, new Failure(FailureCode.TimedOut, $"'{proved.Remote}' at {t.Sa.Path.Remote} wants XAUTH, but does not ask for it"));
    }

    public override void RequestChild(Turn t, ChildRequest request)
    {
        if (_plan is null)
            t.Done(request.Token, new Failure(FailureCode.Aborted, $"child '{request.Child.Name}': its IKE SA is not established"));
        else
            _plan = _plan with { Children = _plan.Children.Add(request) };
    }

    public override void Terminate(Turn t, ulong token, bool force)
    {
        PhaseOne.Tell(t, Keying, Informational.DeleteIsakmp(t));
        Fail(t, new Failure(FailureCode.Aborted, $"connecting to {t.Sa.Path.Remote} was called off"));
        t.Done(token);
    }

    public override IkeSaStatus Describe(IkeV1Session sa, IkeSaStatus status) => status with { Suite = Keying.Suite, TasksActive = ["XAUTH"] };

    protected override ImmutableArray<Blob>? OnQuickMode(Turn t, Opened opened) => null;

    protected override void OnInformational(Turn t, Opened opened)
    {
        if (opened.All<Payload.Delete>().Any(delete => delete.Protocol == IsakmpProtocol.Isakmp))
            Fail(t, new Failure(FailureCode.AuthenticationFailed, $"'{proved.Remote}' at {t.Sa.Path.Remote} has deleted the IKE SA before XAUTH was through"));
    }

    protected override ImmutableArray<Blob>? OnTransaction(Turn t, MessageId id, Payload.Attributes attributes)
    {
        if (attributes.Kind == ConfigKind.Request && _rounds++ < MaxRounds)
            return Answer(t, id, attributes);
        if (attributes.Kind == ConfigKind.Set && attributes.Find(ConfigItem.XauthStatus) is { } status)
            return Conclude(t, id, attributes, status.Number == 1);
        return null;
    }

    ImmutableArray<Blob> Answer(Turn t, MessageId id, Payload.Attributes request)
    {
        var round = PhaseOne.Xauth(proved.Connection.Local)!;
        var user = round.XauthId is { IsAny: false } named ? named : proved.Local;
        if (t.Node.SecretsOf(SharedKeyKind.Eap, user, proved.Remote).FirstOrDefault() is not { } secret)
        {
            t.Fail(new Failure(FailureCode.NoSharedKey, $"no XAUTH secret for '{user}', whom '{proved.Remote}' asks for: add one to 'secrets'"), _plan?.Tokens ?? []);
            var refusal = Send(t, id, new Payload.Attributes(ConfigKind.Reply, request.Identifier, [DataAttribute.Of((ushort)ConfigItem.XauthStatus, 0)]), awaits: false);
            t.Sa.Enter(new Gone(proved.Connection));
            return refusal;
        }
        _user = user;
        var items = new List<DataAttribute>();
        foreach (var item in request.Items)
        {
            if (Value(item, user, secret) is { } value)
                items.Add(value);
        }
        return Send(t, id, new Payload.Attributes(ConfigKind.Reply, request.Identifier, items.ToSequence()), awaits: false);
    }

    static DataAttribute? Value(DataAttribute asked, Identity user, PresharedKey secret) => asked.Item switch
    {
        ConfigItem.XauthUserName => DataAttribute.Of(ConfigItem.XauthUserName, Encoding.UTF8.GetBytes(user.ToString())),
        // The password crosses the wire encrypted like every message; the copy is garbage afterwards, as the plaintext of that message is.
        ConfigItem.XauthUserPassword or ConfigItem.XauthPasscode or ConfigItem.XauthAnswer => DataAttribute.Of(asked.Item, secret.Secret.Span.ToArray()),
        ConfigItem.XauthType => asked,
        _ => null,
    };

    ImmutableArray<Blob> Conclude(Turn t, MessageId id, Payload.Attributes set, bool passed)
    {
        var ack = Send(t, id, new Payload.Attributes(ConfigKind.Ack, set.Identifier, [new DataAttribute((ushort)ConfigItem.XauthStatus, false, Blob.Empty)]), awaits: false);
        if (!passed)
        {
            Fail(t, new Failure(FailureCode.AuthenticationFailed,
                $"XAUTH of '{_user ?? proved.Local}' failed: '{proved.Remote}' at {t.Sa.Path.Remote} does not take name and password; compare 'xauth_id' and the secret"));
            return ack;
        }
        Close(t, id);
        t.Note(Severity.Info, Subject.Ike, $"XAuth authentication of '{_user ?? proved.Local}' (myself) successful");
        Established.Begin(t, proved with { Plan = _plan }, _user);
        return ack;
    }

    void Fail(Turn t, Failure failure)
    {
        t.Fail(failure, _plan?.Tokens ?? []);
        t.Sa.Enter(new Gone(proved.Connection));
    }
}
