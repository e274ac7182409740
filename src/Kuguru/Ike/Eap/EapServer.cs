using System.Collections.Immutable;
using System.Globalization;
using Kuguru.Wire.Eap;

namespace Kuguru.Ike.Eap;

//                     <-- Request/Identity                     unless the user is known already           RFC 3748 section 2
// Response/Identity   -->                                      empty, if the peer does not say its name here  section 5.1
//                     <-- Request/method A
// Response/Nak {B}    -->                                      the peer would rather have B; only before it has begun A
//                     <-- Request/method B
// Response/method B   -->                                      and so on
//                     <-- Success or Failure

/// <summary>
/// The side that asks. It offers one method after another until the peer takes one, and keeps to that.
/// </summary>
sealed class EapServer : IEapConversation
{
    readonly Func<Identity?, ImmutableArray<EapType>> _offers;
    readonly Func<EapType, Identity, bool, EapMethod> _create;
    readonly bool _asksName;
    readonly List<EapType> _refused = [];
    ImmutableArray<EapType> _offer = [];
    Identity _user;
    EapMethod? _method;
    bool _hasBegun, _isNamed;
    byte _identifier;
    int _packets;

    /// <param name="user">Who the peer is taken for as long as nobody has asked him.</param>
    /// <param name="asksName">Ask him.</param>
    /// <param name="offers">The methods for a user, the one that is offered first at the beginning; none for somebody who is not welcome. Null is for whoever it
    /// may be: he is judged at the end.</param>
    /// <param name="create">Begins a method, for a user who has said his name or not.</param>
    /// <param name="identifier">Of the first request: any number will do.</param>
    public EapServer(
        Identity user, bool asksName, Func<Identity?, ImmutableArray<EapType>> offers, Func<EapType, Identity, bool, EapMethod> create, byte identifier) =>
        (_user, _asksName, _offers, _create, _identifier) = (user, asksName, offers, create, identifier);

    /// <summary>Why the peer is about to be refused, although it has a last word; null when nothing is wrong.</summary>
    public string? Trouble => _method?.Trouble is { } why ? $"{_method.Type}: {why}" : null;

    /// <summary>The first request.</summary>
    public EapStep Start() => _asksName ? Ask(EapType.Identity, Blob.Empty) : Offer(_user);

    public EapStep Receive(EapPacket packet)
    {
        if (++_packets > EapLimits.Packets)
            return Fail($"it has not come to an end in {EapLimits.Packets} packets");
        if (packet.Code != EapCode.Response)
            return Fail($"it sends {packet} where a response is due");
        if (packet.Identifier != _identifier)
            return Fail(string.Create(CultureInfo.InvariantCulture, $"its {packet} answers request {packet.Identifier}, not {_identifier}"));
        if (_method is null)
            return packet.Method == EapType.Identity ? Hear(packet.Data) : Fail($"it sends {packet} where its identity is due");
        if (packet.Method == EapType.Nak && !_hasBegun)
            return OfferAnother(packet.Data);
        if (packet.Method != _method.Type)
            return Fail($"it changes from {_method.Type} to {packet.Method} half-way");
        _hasBegun = true;
        return Go(_method.Take(packet.Identifier, packet.Data));
    }

    public void Dispose() => _method?.Dispose();

    EapStep Hear(Blob name)
    {
        if (name.IsEmpty)
        {
            // Android's client says its name in the method alone. Where the method has none it is called as in IKE, in the form that users have.
            _user = EapIdentity.Read(EapIdentity.Write(_user)) ?? _user;
            return Offer(null);
        }
        if (EapIdentity.Read(name) is not { } user)
            return Fail("its identity is %any, or too long");
        (_user, _isNamed) = (user, true);
        return Offer(_user);
    }

    EapStep Offer(Identity? user)
    {
        _offer = _offers(user);
        return _offer.IsEmpty ? Unwelcome(_user) : Begin(_offer[0]);
    }

    EapStep OfferAnother(Blob nak)
    {
        _refused.Add(_method!.Type);
        var wanted = EapType.Wanted(nak);
        var next = wanted.FirstOrDefault(type => _offer.Contains(type) && !_refused.Contains(type));
        if (next != EapType.None)
            return Begin(next);
        return Fail($"it does not take {string.Join(" or ", _offer.Take(1).Union(_refused))}"
            + (wanted.Count == 0 ? ", nor anything else" : $", but would {string.Join(" or ", wanted)}") + ": set 'auth' to one that both have");
    }

    EapStep Begin(EapType type)
    {
        _method?.Dispose();
        _method = _create(type, _user, _isNamed);
        return Go(_method.Begin());
    }

    EapStep Go(MethodStep step) => step switch
    {
        MethodStep.Continue go => Ask(_method!.Type, go.Data),
        MethodStep.Done => Finish(_method!, _method!.User ?? _user),
        MethodStep.Failed failed => Fail($"{_method!.Type}: {failed.Why}"),
        _ => throw new InvalidOperationException(step.ToString()),
    };

    /// <summary>Whose name was not known when the method was offered has to be welcome to it by the name that it has given.</summary>
    EapStep Finish(EapMethod method, Identity user) => !_isNamed && !_offers(user).Contains(method.Type) ? Unwelcome(user)
        : new EapStep.Succeed(EapPacket.Success(_identifier), new EapResult(method.Type, user, method.TakeMsk()));

    EapStep.Fail Unwelcome(Identity user) => Fail($"no connection is for the EAP identity '{user}'");

    EapStep.Say Ask(EapType type, Blob data) => new(EapPacket.Request(++_identifier, type, data));

    EapStep.Fail Fail(string why) => new(EapPacket.Failure(_identifier), why);
}
