namespace Kuguru.Nat;

/// <summary>
/// What NAT detection (RFC 7296 section 2.23, RFC 3947 section 3.2) said about one IKE SA.
/// </summary>
/// <param name="Supported">The peer took part in NAT detection at all.</param>
/// <param name="Local">We are behind a NAT: the peer saw another destination than we have.</param>
/// <param name="Remote">The peer is behind a NAT: none of its source hashes fits what we see.</param>
/// <param name="Forced">We claimed a NAT in front of us that is not there (<c>encap = yes</c>).</param>
/// <param name="LooksForced">The peer's source hash fits nothing, yet address and port look untranslated: it most likely forces encapsulation.</param>
public readonly record struct NatVerdict(bool Supported, bool Local, bool Remote, bool Forced, bool LooksForced)
{
    public static NatVerdict Unknown => default;

    /// <summary>No doubt about it: the peer's hash is of the address that we see, and a port that says so. Its address is its own.</summary>
    public bool IsPeersOwn { get; init; }

    /// <summary>Whatever is in the way, nothing goes in UDP (<c>encap = never</c>).</summary>
    public bool Forbidden { get; init; }

    /// <summary>Plain packets go where a NAT is, or where nobody has looked for one.</summary>
    public bool IsRisky => !Supported || (Forbidden && IsInTheWay);

    /// <summary>Somebody changes addresses between the two ends.</summary>
    public bool IsInTheWay => Local || Remote;

    /// <summary>Where the NAT is, for the middle of a sentence.</summary>
    public string Where(Path path) => (Local, Remote) switch
    {
        (true, true) => $"the NATs in front of us and of {path.Remote.Address}",
        (false, true) => $"the NAT in front of {path.Remote.Address}",
        _ => "the NAT in front of us",
    };

    /// <summary>ESP goes in UDP.</summary>
    public bool Encapsulate => Supported && !Forbidden && (Local || Remote || Forced);

    /// <summary>One sentence for logs and <c>status</c>.</summary>
    public string Explain(Path path) => this switch
    {
        { Forbidden: true, IsInTheWay: true } => $"encapsulation is forbidden (encap = never) and {Where(path)} is in the way: plain ESP, "
            + "which only \"VPN passthrough\" lets by, for one client of a gateway",
        { Forbidden: true } => $"encapsulation is forbidden (encap = never): plain ESP to {path.Remote.Address}",
        { Supported: false } => $"{path.Remote.Address} takes no part in NAT detection: plain ESP, and no NAT may be in the way",
        { Local: true, Remote: true } => $"both we and {path.Remote.Address} are behind a NAT: ESP goes in UDP",
        { Local: true } => "we are behind a NAT: ESP goes in UDP, keepalives hold the mapping",
        { Remote: true, LooksForced: true } => $"{path.Remote} asks for ESP in UDP, most likely without a NAT (forced)",
        { Remote: true } => $"{path.Remote.Address} is behind a NAT: ESP goes in UDP, and its endpoint is followed",
        { Forced: true } => "no NAT found, but encapsulation is forced: ESP goes in UDP",
        _ => $"no NAT between us and {path.Remote.Address}: plain ESP",
    };

    /// <summary>A word for tables: <c>none</c>, <c>local</c>, <c>remote</c>, <c>both</c>, <c>forced</c>, <c>unsupported</c>.</summary>
    public override string ToString() => this switch
    {
        { Supported: false } => "unsupported",
        { Local: true, Remote: true } => "both",
        { Local: true } => "local",
        { Remote: true } => "remote",
        { Forced: true } => "forced",
        _ => "none",
    };
}
